"""Power failures: row 3 of the programme.

power.c, preloaded into a server, keeps a journal of its writes; what was not
synced is undone, in part or in whole, when the power fails.
"""

import collections
import mmap
import os
import shutil
import struct
import time
from pathlib import Path

import psycopg

import oracle
from finding import Finding, expect
from scenario import Scenario
from scenarios.kill import GONE, Kill
from server import Server, run
from world import BY_INDEX, SETUP, Beside, World

SECTOR = 512
SOURCE = Path(__file__).resolve().parent.parent / "power.c"

# As power.c has it: kind, names, inode, folder, offset, length, before, after, bytes.
RECORD = struct.Struct("<IIQQqqqqQ")
WRITE, SYNC, CREATE, UNLINK, RENAME, LINK = range(1, 7)

Write = collections.namedtuple("Write", "offset length before after at bytes")
Name = collections.namedtuple("Name", "kind inode names")

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    # Pages leave the cache all the time.
    "shared_buffers": "512kB",
    "bgwriter_delay": "10ms",
    "max_wal_size": "64MB",
}


class Supply:
    """The power of a server whose data are in that folder."""

    def __init__(self, folder, data):
        self.folder = Path(folder)
        self.data = Path(data)
        self.journal = self.folder / "journal"
        self.kept = self.folder / "kept"
        self.reset()
        library = self.folder / "power.so"
        run("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library,
            SOURCE, "-ldl")
        self.environment = {"LD_PRELOAD": str(library), "VDB_POWER": str(self.folder),
                            "VDB_POWER_DATA": str(self.data)}

    def reset(self):
        """All that there is is safe now; nobody runs."""
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir(parents=True)
        self.journal.write_bytes(b"")

    def fail(self, chance):
        """The power fails, when all processes are gone.  Returns how many
        writes were not safe, and how many sectors of them are lost."""
        if not self.journal.stat().st_size:
            return 0, 0
        with self.journal.open("rb") as file, \
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as journal:
            writes, names = self.read(journal)
            for ops in names.values():
                self.undo_names(ops, chance)
            lost = self.undo_writes(journal, writes, chance)
        self.reset()
        return sum(len(of) for of in writes.values()), lost

    @staticmethod
    def read(journal):
        """What is not safe: the writes to each file, and what was done to the
        names in each folder."""
        writes = collections.defaultdict(list)
        names = collections.defaultdict(list)
        at = 0
        while at + RECORD.size <= len(journal):
            kind, length, inode, folder, offset, size, before, after, there = \
                RECORD.unpack_from(journal, at)
            at += RECORD.size
            if at + length + there > len(journal):
                break
            if kind == WRITE:
                writes[inode].append(Write(offset, size, before, after, at, there))
            elif kind == SYNC:
                writes.pop(inode, None)
                names.pop(inode, None)
                # A file that is synced has its name, and so have those before it.
                for ops in names.values():
                    last = max((i for i, op in enumerate(ops) if op.inode == inode), default=-1)
                    del ops[:last + 1]
            else:
                texts = journal[at:at + length].split(b"\0")[:-1]
                names[folder].append(Name(kind, inode, [os.fsdecode(text) for text in texts]))
            at += length + there
        return writes, names

    def undo_names(self, ops, chance):
        """A folder forgets the last of what was done to its names."""
        kept = chance.choice([0, len(ops), chance.randint(0, len(ops))])
        for kind, _, names in reversed(ops[kept:]):
            path = self.data / names[0]
            if self.data not in path.parents or not path.parent.exists():
                continue
            if kind in (CREATE, LINK):
                path.unlink(missing_ok=True)
            elif kind == UNLINK:
                if not path.exists():
                    os.link(names[1], path)
            elif (self.data / names[1]).exists():
                (self.data / names[1]).rename(path)
                if names[2]:
                    os.link(names[2], self.data / names[1])

    def undo_writes(self, journal, writes, chance):
        """Each file forgets some of its writes, or parts of them.  Returns how
        many sectors are not as they were written last."""
        lost = 0
        unit = chance.choice([SECTOR, 4096, None])
        share = chance.choice([0, 0.1, 0.5, 0.9])
        for folder, _, files in os.walk(self.data):
            for name in sorted(files):
                path = Path(folder, name)
                mine = writes.get(path.lstat().st_ino)
                if mine:
                    of_file = chance.choice([share, share, share, 0, 1])
                    lost += undo_file(path, journal, mine, unit, of_file, chance)
        return lost


def survivors(write, unit, share, chance):
    """The parts of a write that are on the disk: from, end."""
    if write.after < write.before or not unit:
        unit = max(write.length, 1)
    return [(at, min(at + unit, write.offset + write.length))
            for at in range(write.offset, write.offset + write.length, unit)
            if chance.random() < share]


def undo_file(path, journal, writes, unit, share, chance):
    """Put back what was there before writes that did not survive."""
    # Of each sector, the writes that it was part of, and the last one that is left.
    of_sector = collections.defaultdict(list)
    left = {}
    size = writes[0].before
    for number, write in enumerate(writes):
        for at in range(write.offset, write.offset + write.length, SECTOR):
            of_sector[at].append(number)
        for first, end in survivors(write, unit, share, chance):
            left.update((at, number) for at in range(first, end, SECTOR))
            size = write.after if write.after < write.before else \
                max(size, min(write.after, end))
    lost = 0
    with path.open("r+b") as file:
        for at, numbers in of_sector.items():
            place = numbers.index(left[at]) + 1 if at in left else 0
            if place == len(numbers):
                continue
            undone = writes[numbers[place]]
            first = undone.at + at - undone.offset
            there = journal[first:min(first + SECTOR, undone.at + undone.bytes)] \
                if at - undone.offset < undone.bytes else b""
            file.seek(at)
            file.write(there.ljust(SECTOR, b"\0"))
            lost += 1
        # The file system may know of its length what it does not of its contents.
        file.truncate(chance.choice([size, size, max(size, writes[-1].after)]))
    return lost


class Failing:
    """What scenarios with power failures share."""

    settings = SETTINGS

    def make_server(self):
        """A server with a power supply; what can be set is set at random."""
        settings = {**self.settings, "wal_sync_method":
                    self.chance.choice(["fdatasync", "fsync", "open_datasync"])}
        if self.chance.random() < 0.4:
            settings |= {"wal_level": "minimal", "max_wal_senders": "0"}
        folder = self.folder / "a"
        self.supply = Supply(self.folder / "power", folder / "data")
        server = self.own(Server(folder, settings, self.supply.environment)).init()
        if self.chance.random() < 0.5:
            server.stop()
            run(server.bin / "pg_checksums", "--enable", "-D", server.data)
            self.supply.reset()
            server.start()
        self.unsafe = self.lost = 0
        return server

    def checkpoints(self, chance):
        """A client that asks for one now and then."""
        return Beside(self.server, ["CHECKPOINT", "SELECT pg_sleep(0.2)", "SELECT pg_sleep(0.3)"],
                      chance.random())

    def power_fails(self, chance):
        self.server.kill(all_at_once=True)
        unsafe, lost = self.supply.fail(chance)
        self.unsafe += unsafe
        self.lost += lost

    def counts(self):
        unsafe, self.unsafe = self.unsafe, 0
        lost, self.lost = self.lost, 0
        return {"writes not safe": unsafe, "sectors lost": lost}


class Power(Failing, Kill):
    """No acknowledged row is lost and every index is sound after power
    failures: any of the writes that were not synced are lost, or parts of them."""

    def crash(self, chance):
        self.power_fails(chance)
        while chance.random() < 0.5 and self.again < 3:
            process = self.server.start_only()
            time.sleep(chance.uniform(0.0, 0.2))
            self.again += not self.server.is_ready()
            self.power_fails(chance)
            process.wait()
        self.server.start()

    def work_and_crash(self, kind, chance):
        checkpoints = self.checkpoints(chance)
        return super().work_and_crash(kind, chance) + checkpoints.stop()

    def step(self, number, chance):
        return {**super().step(number, chance), **self.counts()}


class PowerHnsw(Power):
    """Power failures, with hnsw."""

    name = "power-hnsw"
    method = "hnsw"
    small = 6


class PowerIvf(Power):
    """Power failures, with ivf."""

    name = "power-ivf"
    method = "ivf"
    small = 6


class PowerUnlogged(Failing, Scenario):
    """Unlogged tables are empty and usable when the power fails while they are
    new: of a fork whose name is lost and one whose name is not recovery makes
    what it has to."""

    name = "power-unlogged"
    small = 6

    def set_up(self):
        self.server = self.make_server()
        self.server.script(SETUP + "CHECKPOINT;")

    def step(self, number, chance):
        tables = {"young_" + method: method for method in ("hnsw", "ivf")}
        for table, method in tables.items():
            self.server.script(f"CREATE UNLOGGED TABLE {table} (v vector(24));"
                               f" CREATE INDEX ON {table} USING {method} (v vector_l2_ops);"
                               f" INSERT INTO {table} VALUES (made(1));")
        # What is synced in the WAL after that has the tables' records, too.
        self.server.script("CREATE TABLE young (); DROP TABLE young;")
        self.power_fails(chance)
        self.server.start()
        for table in tables:
            self.server.script(f"INSERT INTO {table} VALUES (made(2));")
            found = self.server.rows(f"SELECT v = made(2) FROM {table} ORDER BY v <-> made(1)",
                                     settings=BY_INDEX)
            expect(found == [(True,)], f"{table} has {found} after a power failure")
            self.server.script(f"DROP TABLE {table};")
        self.server.script("CHECKPOINT;")
        self.server.check_log()
        return {"power failures": 1, **self.counts()}


class PowerControl(Failing, Scenario):
    """What PostgreSQL promises itself, with b-trees only."""

    name = "power-control"
    small = 2

    def set_up(self):
        self.server = self.make_server()
        self.world = World(self.server, "btree").create(500)

    def step(self, number, chance):
        self.world.write(3, chance.random())
        checkpoints = self.checkpoints(chance)
        time.sleep(chance.uniform(0.1, 1.0))
        self.power_fails(chance)
        self.server.start()
        oracle.check_errors(self.world.stop() + checkpoints.stop(), GONE)
        self.world.settle()
        oracle.check_heap(self.world)
        self.server.check_log()
        return {"power failures": 1, **self.counts()}


class PowerFound(PowerControl):
    """The oracle finds what a server loses that syncs nothing."""

    name = "power-found"
    settings = {**SETTINGS, "fsync": "off"}
    small = 1
    tries = 10

    def step(self, number, chance):
        for tries in range(self.tries):
            try:
                super().step(number, chance)
            except (Finding, psycopg.Error):
                self.world.stop()
                self.discard(self.server)
                self.set_up()
                return {"losses found": 1, "power failures": tries + 1}
        raise Finding(f"nothing is lost in {self.tries} power failures without fsync")
