"""Damaged pages: row 15 of the programme."""

import os
import signal
import threading
import time
from pathlib import Path

import psycopg

import kinds
from finding import Finding, expect
from scenario import Scenario
from server import Server, run
from world import BY_INDEX

PAGE = 8192
ROWS = 500

# How long a statement may take, of a CPU: the machine may have other things to do.
# What follows a cycle takes for ever.  And how long it may wait.
SECONDS = 5
WAITING = 600

# What may come of damage: that data or an index is damaged, that a file ends too
# early, another version, impossible values, more memory than there is; and that
# ivfflat has nothing to calibrate.
STATES = ("XX", "58", "0A000", "22", "53200", "54", "42809")

# What numbers in a page become.
NUMBERS = [0, 1, 2, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff,
           0x7f800000, 0x7fc00000, 0x80000000]

# What is done with a damaged index.
USE = [
    "SELECT vecdb_index_check('{index}', true)",
    "{near}",
    "{filtered}",
    "{all}",
    "INSERT INTO {name} SELECT id + 1000, 1, id % 10, v FROM spare_{type} WHERE id <= 40",
    "UPDATE {name} SET tag = tag + 1, turn = 2 WHERE id % 10 = 4",
    "DELETE FROM {name} WHERE id % 3 = 0",
    "VACUUM (INDEX_CLEANUP on) {name}",
    "INSERT INTO {name} SELECT id + 1000, 1, id % 10, v FROM spare_{type} WHERE id > 40",
    "DELETE FROM {name} WHERE id % 4 <> 0",
    "VACUUM (INDEX_CLEANUP on) {name}",
    "{filtered}",
    "{all}",
    "SELECT vecdb_index_info('{index}')",
    "SELECT vecdb_recall('{index}', 10)",
    "SELECT vecdb_calibrate('{index}')",
    "SELECT vecdb_prewarm('{index}')",
    "EXPLAIN {near}",
    "SELECT vecdb_index_check('{index}', true)",
]


# ---- damages: each changes the pages of an index, and says how many of them ----

def flip(pages, chance, _):
    """Some bits, mostly where there are numbers that matter."""
    some = chance.sample(range(len(pages)), min(len(pages), chance.randint(1, 3)))
    for block in some:
        at = chance.choice([chance.randrange(PAGE), chance.randrange(256),
                            PAGE - 1 - chance.randrange(8)])
        pages[block][at] ^= 1 << chance.randrange(8)
    return len(some)


def number(pages, chance, _):
    """Numbers that are too large, too small, or none at all."""
    some = chance.sample(range(len(pages)), min(len(pages), chance.randint(1, 3)))
    for block in some:
        width = chance.choice([2, 4, 4])
        at = chance.choice([chance.randrange(24, PAGE - width), chance.randrange(24, 256),
                            PAGE - 8]) // width * width
        value = chance.choice(NUMBERS + [chance.randrange(len(pages) + 2)] * 4)
        pages[block][at:at + width] = value.to_bytes(4, "little")[:width]
    return len(some)


def zero(pages, chance, _):
    """A page or a part of it that was never written."""
    page = chance.choice(pages)
    begin, end = chance.choice([(0, PAGE), (512, PAGE), (0, 4096), (4096, PAGE)])
    page[begin:end] = bytes(end - begin)
    return 1


def noise(pages, chance, _):
    """A page of anything, whose header and end are right."""
    page = chance.choice(pages)
    page[24:PAGE - 8] = chance.randbytes(PAGE - 32)
    return 1


def swap(pages, chance, _):
    """Two pages in each other's place."""
    one, other = chance.randrange(len(pages)), chance.randrange(len(pages))
    pages[one], pages[other] = pages[other], pages[one]
    return 2


def copy(pages, chance, _):
    """A page in the place of another as well."""
    pages[chance.randrange(len(pages))] = bytearray(chance.choice(pages))
    return 1


def truncate(pages, chance, _):
    """A file that ends too early."""
    before = len(pages)
    del pages[chance.randrange(before):]
    return before - len(pages)


def stale(pages, chance, others):
    """Pages as they were before."""
    old = others.old
    both = min(len(old), len(pages))
    some = chance.sample(range(both), min(both, chance.randint(1, 4)))
    for block in some:
        pages[block] = bytearray(old[block])
    return len(some)


def strange(pages, chance, others):
    """A page of another index."""
    pages[chance.randrange(len(pages))] = bytearray(chance.choice(chance.choice(others.strange)))
    return 1


DAMAGES = [flip, flip, number, number, number, zero, noise, swap, copy, truncate, stale, strange]


class Others:
    """Where pages of an index that do not belong there come from."""

    def __init__(self, old, strangers):
        self.old = old
        self.strange = strangers


def cpu(pid):
    """Seconds of a CPU that a process has used."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0


def watch(server, pid, ended):
    """Cancels a statement that goes on for too long.  If that does not end it,
    the server does not survive."""
    begun, before = time.monotonic(), cpu(pid)
    cancelled = False
    while not ended.wait(0.2):
        used = cpu(pid) - before
        late = time.monotonic() - begun > WAITING
        if used > 2 * SECONDS or late:
            server.kill()
            return
        if used > SECONDS and not cancelled:
            os.kill(pid, signal.SIGINT)
            cancelled = True


def read(path):
    data = path.read_bytes()
    return [bytearray(data[at:at + PAGE]) for at in range(0, len(data), PAGE)]


class Corrupt(Scenario):
    """Whatever becomes of an index's pages, whoever uses it gets an answer or
    an error, in time; and REINDEX mends it."""

    method = None

    def set_up(self):
        """A cluster that each step damages a copy of, and older pages."""
        self.kinds = kinds.kinds(self.method)
        other = "ivf" if self.method == "hnsw" else "hnsw"
        others = kinds.kinds(other, "other_")[::4]
        template = Server(self.folder / "template", {"restart_after_crash": "off",
                                                     "shared_buffers": "32MB"})
        template.init()
        kinds.set_up(template, self.kinds + others, ROWS)
        # Rows that are to come, because making vectors takes longer than all else.
        template.script("".join(
            f"CREATE TABLE spare_{kind.type} AS SELECT i AS id, {kind.value('i', 1)} AS v"
            " FROM generate_series(1, 160) i;"
            for kind in {kind.type: kind for kind in self.kinds}.values()) + "CHECKPOINT;")
        paths = dict(template.rows("SELECT relname, pg_relation_filepath(oid) FROM pg_class"
                                   " WHERE relname LIKE '%%_v' AND relkind = 'i'"))
        self.paths = {kind.name: paths[kind.index] for kind in self.kinds}
        old = {name: read(template.data / path) for name, path in self.paths.items()}
        template.script("".join(
            f"DELETE FROM {kind.name} WHERE id % 7 = 1; VACUUM (INDEX_CLEANUP on) {kind.name};"
            f"INSERT INTO {kind.name} SELECT i, 0, i % 10, {kind.value('i')}"
            f" FROM generate_series({ROWS + 1}, {ROWS + 150}) i;" for kind in self.kinds))
        template.stop()
        # Checksums would find all of this; since 18 they are on by default.
        run(template.bin / "pg_checksums", "--disable", "-D", template.data, check=False)
        self.template = template
        strangers = [read(template.data / paths[kind.index]) for kind in others]
        strangers += [read(template.data / path) for path in self.paths.values()]
        self.others = {name: Others(pages, strangers) for name, pages in old.items()}

    def step(self, number, chance):
        server = self.own(Server(self.folder / "damaged", self.template.settings))
        server.folder.mkdir()
        run("cp", "-r", self.template.data, server.data)
        server.settings["unix_socket_directories"] = f"'{server.folder}'"
        did = {"indexes": len(self.kinds), "pages": 0}
        done = {}
        for kind in self.kinds:
            path = server.data / self.paths[kind.name]
            pages = read(path)
            damages = chance.sample(DAMAGES, chance.choice([1, 1, 2, 3]))
            did["pages"] += sum(damage(pages, chance, self.others[kind.name])
                                for damage in damages if pages)
            done[kind.name] = ", ".join(damage.__name__ for damage in damages)
            path.write_bytes(b"".join(pages))
        server.start()
        for kind in self.kinds:
            did["statements"] = did.get("statements", 0) + len(USE)
            errors = self.use(server, kind, done[kind.name])
            did["errors"] = did.get("errors", 0) + errors
        self.mend(server)
        server.check_log("could not read block")
        self.discard(server)
        return did

    def use(self, server, kind, done):
        """Do all that can be done with an index; how many errors came."""
        texts = {"name": kind.name, "index": kind.index, "type": kind.type,
                 "near": kind.search(5, limit=10),
                 "filtered": "SELECT count(*) FILTER (WHERE tag <> 3) FROM ("
                             + kind.search(6, "tag = 3", what="tag") + ") x",
                 "all": f"SELECT count(id) FROM ({kind.search(7)}) x"}
        errors = 0
        with server.connect() as connection:
            for name, value in BY_INDEX.items():
                connection.execute(f"SET {name} = {value}")
            for statement in USE:
                text = statement.format(**texts)
                what = f"{kind.name} ({done}): {text}"
                rows, state = self.ask(server, connection, text, what)
                errors += state is not None
                if state and ("_check" in statement or not state.startswith(STATES)):
                    raise Finding(f"{what}: {state}: {rows}")
                if not state and statement == "{filtered}":
                    expect(rows[0][0] == 0, f"{what}: {rows[0][0]} rows that were not asked for")
        return errors

    @staticmethod
    def ask(server, connection, text, what):
        """The rows of a statement and None, or an error and its SQL state."""
        ended = threading.Event()
        threading.Thread(target=watch, args=(server, connection.info.backend_pid, ended),
                         daemon=True).start()
        try:
            cursor = connection.execute(text)
            return (cursor.fetchall() if cursor.description else []), None
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise Finding(f"{what}: {error}: {server.tail()}") from error
            return str(error), error.sqlstate
        finally:
            ended.set()

    def mend(self, server):
        """REINDEX makes all of them sound."""
        for kind in self.kinds:
            server.script(f"REINDEX INDEX {kind.index};")
            problems = server.rows("SELECT * FROM vecdb_index_check(%s, true)", kind.index)
            expect(not problems, f"{kind.index}, made anew: {problems[:3]}")


class CorruptHnsw(Corrupt):
    """Damaged pages, with hnsw."""

    name = "corrupt-hnsw"
    method = "hnsw"
    small = 3


class CorruptIvf(Corrupt):
    """Damaged pages, with ivf."""

    name = "corrupt-ivf"
    method = "ivf"
    small = 3
