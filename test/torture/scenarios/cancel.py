"""Statements that are told to end: row 10 of the programme."""

import math
import os
import select
import signal
import time
from pathlib import Path

import psycopg
from psycopg import pq

from finding import Finding, expect
from scenario import Scenario
from server import Server

# Where steps are asked for by number, tables are large enough for every phase of
# a statement to take its time.
LARGE = bool(os.environ.get("VECDB_TORTURE_N"))
ROWS, DIM = (20000, 768) if LARGE else (2000, 256)

# What is promised of 99 tries of 100, and allowed of any: by the clock, without the time
# that processes waited for a CPU, as a machine may have other things to do.  How many tries
# it takes to tell, and how long an answer may take.
PROMISED = 0.1
ALLOWED = 2
ENOUGH = 200
ANSWERED = 120

# This thread, as used() has it.
CLIENT = "thread-self"

TRIES = 25

TOO_LATE = -1

NEAR = "ORDER BY v <-> (SELECT v FROM source WHERE id = {row})"
SOME = "id % 50 = {part}"

# What goes before, which nobody disturbs; the statement; its settings.
STATEMENTS = {
    "search of all": (None, f"SELECT count(id) FROM (SELECT id FROM items {NEAR}) x", {}),
    "long search": (None, f"SELECT id FROM items {NEAR} LIMIT 1000", {}),
    "filtered search": (None, f"SELECT id FROM items WHERE tag = 3 {NEAR} LIMIT 3000", {}),
    "exact search": (None, f"SELECT id FROM items WHERE id > 100 {NEAR} LIMIT 10",
                     {"enable_bitmapscan": "on", "vecdb.filtered_scan_strategy": "exact"}),
    "search of a bitmap": (None, f"SELECT id FROM items WHERE id > 100 {NEAR} LIMIT 3000",
                           {"enable_bitmapscan": "on", "vecdb.filtered_scan_strategy": "search"}),
    "build": (None, "REINDEX INDEX items_v", {}),
    "build in little memory": (None, "REINDEX INDEX items_v", {"maintenance_work_mem": "'8MB'"}),
    "build of plain vectors": (None, "CREATE INDEX more ON items USING {plain}", {}),
    "build concurrently": (None, "REINDEX INDEX CONCURRENTLY items_v", {}),
    "insert": (f"DELETE FROM items WHERE {SOME}",
               f"INSERT INTO items SELECT * FROM source WHERE {SOME}", {}),
    "update": (None, f"UPDATE items SET tag = (tag + 1) % 10 WHERE {SOME}", {}),
    "vacuum": (f"DELETE FROM items WHERE {SOME}; INSERT INTO items SELECT * FROM source"
               f" WHERE {SOME}", "VACUUM (INDEX_CLEANUP on) items", {}),
    "check": (None, "SELECT * FROM vecdb_index_check('items_v', true)", {}),
    "info": (None, "SELECT vecdb_index_info('items_v')", {}),
    "recall": (None, "SELECT vecdb_recall('items_v', 50)", {}),
    "calibrate": (None, "SELECT vecdb_calibrate('items_v')", {}),
    "prewarm": (None, "SELECT vecdb_prewarm('items_v')", {}),
}

PLAIN = {"hnsw": "hnsw (v vector_l2_ops) WITH (quantizer = none)",
         "ivf": "ivfflat (v vector_l2_ops) WITH (lists = 50)"}

# PostgreSQL takes no notice of anything while it compiles, which plans that are forced
# are expensive enough for.
SETTINGS = {"jit": "off", "enable_seqscan": "off", "enable_sort": "off",
            "enable_bitmapscan": "off",
            "vecdb.enable_filtered_scan": "on"}


def used(task):
    """Seconds of a CPU that a thread of /proc has used, and waited for one; None if it has
    ended."""
    try:
        running, waiting, _ = Path(f"/proc/{task}/schedstat").read_text().split()
    except (OSError, ValueError):
        return None
    return int(running) / 1e9, int(waiting) / 1e9


def threads(*processes):
    """The threads of processes."""
    return [f"{process}/task/{task.name}" for process in processes
            for task in Path(f"/proc/{process}/task").glob("*")]


def workers(backend):
    """The parallel workers of a backend."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"parallel worker for PID {backend}" in line.read_text():
                found.append(int(line.parent.name))
        except OSError:
            pass
    return found


class Clock:
    """What passes from when a statement is to end, now or when it was due, until its client
    knows that it has.  asleep is what the client had used when it went to sleep until it
    was due."""

    def __init__(self, tasks, due=None, asleep=None):
        self.due = due or time.monotonic()
        self.before = {CLIENT: asleep or used(CLIENT), **{task: used(task) for task in tasks}}
        self.after = {}

    def look(self):
        """Who has ended when it is over has used what was seen last."""
        self.after.update((task, now) for task in self.before if (now := used(task)))

    def stop(self):
        """Milliseconds by the clock, of a CPU, and of waiting for one.  All wait at the same
        time: of these it counts who waited longest."""
        self.look()
        wall = max(0, time.monotonic() - self.due)
        spent = [(now[0] - then[0], now[1] - then[1]) for task, then in self.before.items()
                 if then and (now := self.after.get(task))]
        waited = max(other for _, other in spent)
        return [round(seconds * 1000, 1)
                for seconds in (wall, sum(one for one, _ in spent), min(waited, wall))]


def answer(libpq, until):
    """Wait for what a statement answers, but not for longer; is it there?"""
    while True:
        readable, _, _ = select.select([libpq.socket], [], [],
                                       max(0, until - time.monotonic()))
        if not readable:
            return False
        libpq.consume_input()
        if not libpq.is_busy():
            return True


def result_of(libpq):
    """The result of a statement, when it is over: after a FATAL when there is no server
    any more."""
    first = None
    try:
        while result := libpq.get_result():
            first = first or result
    except psycopg.OperationalError:
        pass
    return first


def percentile(values, percent):
    """The least that so many percent of the values do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


class Cancel(Scenario):
    """Any statement ends within a tenth of a second when it is told to, and
    leaves every index sound."""

    method = None

    def set_up(self):
        self.server = self.own(Server(self.folder / "a", {
            "maintenance_work_mem": "'256MB'", "shared_buffers": "256MB",
            "max_wal_size": "2GB"})).init()
        self.server.script(f"""
            CREATE EXTENSION vecdb;
            CREATE TABLE source (id int PRIMARY KEY, tag int, v vector({DIM}));
            INSERT INTO source SELECT i, i % 10, (SELECT array_agg(random() + sin(i % 64 * j))
                FROM generate_series(1, {DIM}) j)::vector FROM generate_series(1, {ROWS}) i;
            CREATE TABLE items (LIKE source INCLUDING ALL);
            INSERT INTO items SELECT * FROM source;
            CREATE INDEX items_v ON items USING {self.method} (v vector_l2_ops, tag);
            VACUUM ANALYZE;""")
        self.seconds = {}
        self.judged = []

    def step(self, number, chance):
        did = {"tries": []}
        for _ in range(TRIES):
            name = chance.choice(list(STATEMENTS))
            way = chance.choice(["timeout", "cancel", "terminate"])
            spent = self.attempt(name, way, chance)
            if spent is None:
                did["too late"] = did.get("too late", 0) + 1
                continue
            did["tries"].append([name, way, *spent])
            wall, _, waited = spent
            self.judged.append(wall - waited)
        self.restore()
        return did

    def finish(self):
        if len(self.judged) >= ENOUGH:
            most = percentile(self.judged, 99)
            expect(most <= PROMISED * 1000, f"of {len(self.judged)} tries the 99th percentile"
                   f" is {most:.0f} ms")

    @staticmethod
    def sum_up(steps):
        tries = [one for did in steps for one in did.get("tries", [])]
        total = {"tries": len(tries), "too late": sum(did.get("too late", 0) for did in steps)}
        if not tries:
            return total
        for what, values in [("by the clock", [wall for _, _, wall, _, _ in tries]),
                             ("of a CPU", [busy for _, _, _, busy, _ in tries]),
                             ("by the clock without waiting for a CPU",
                              [wall - waited for _, _, wall, _, waited in tries])]:
            total |= {f"ms {what} in {percent} % of tries": round(percentile(values, percent))
                      for percent in (50, 99, 100)}
            total[f"above 100 ms {what}"] = sum(value > PROMISED * 1000 for value in values)
        return total

    def restore(self):
        """What was interrupted has left nothing behind, and everything sound."""
        for (name,) in self.server.rows("SELECT indexrelid::regclass::text FROM pg_index"
                                        " WHERE NOT indisvalid"):
            self.server.script(f"DROP INDEX {name};")
        self.server.script("INSERT INTO items SELECT * FROM source ON CONFLICT DO NOTHING;")
        problems = self.server.rows("SELECT * FROM vecdb_index_check('items_v', true) LIMIT 5")
        expect(not problems, f"items_v: {problems}")
        self.server.check_log()

    def attempt(self, name, way, chance):
        """One try; what Clock.stop() says of it, None if the statement ended by itself."""
        first, statement, settings = STATEMENTS[name]
        values = {"row": chance.randint(1, ROWS), "part": chance.randrange(50),
                  "plain": PLAIN[self.method]}
        with self.server.connect() as connection:
            for setting, value in {**SETTINGS, **settings}.items():
                connection.execute(f"SET {setting} = {value}")
            connection.execute("SET client_min_messages = warning; DROP INDEX IF EXISTS more")
            if first:
                connection.execute(first.format(**values))
            # From a millisecond on to as long as it takes.
            longest = self.seconds.get(name, 1)
            delay = 0.001 * (longest / 0.001 + 1) ** chance.random() if chance.random() < 0.4 \
                else chance.uniform(0.001, longest)
            delay = max(1, int(delay * 1000)) / 1000
            begun = time.monotonic()
            try:
                spent = self.disturb(connection, statement.format(**values), way, delay)
            except Finding as finding:
                raise Finding(f"{name}, {way} after {delay:.3f} s: {finding}") from finding
        if spent is None:
            self.seconds[name] = time.monotonic() - begun
            return None
        self.seconds[name] = max(longest, delay * 1.2)
        wall, _, waited = spent
        expect(wall - waited < ALLOWED * 1000,
               f"{name}, {way} after {delay:.3f} s: went on for {spent}")
        return spent

    @staticmethod
    def disturb(connection, statement, way, delay):
        """Run a statement, and end it after a while; returns as attempt() does."""
        pid = connection.info.backend_pid
        if way == "timeout":
            connection.execute(f"SET statement_timeout = {delay * 1000:.0f}")
        # By hand, so that no other thread has to wake up.
        libpq = connection.pgconn
        asleep = used(CLIENT)
        due = time.monotonic() + delay
        libpq.send_query(statement.encode())
        there = answer(libpq, due)
        if way == "timeout":
            clock = Clock(threads(pid), due, asleep)
        else:
            clock = Clock(threads(pid, *workers(pid)))
            if not there:
                os.kill(pid, signal.SIGINT if way == "cancel" else signal.SIGTERM)
        expect(there or answer(libpq, time.monotonic() + ANSWERED), f"no answer for {ANSWERED} s")
        clock.look()
        result = result_of(libpq)
        spent = clock.stop()
        if result.status != pq.ExecStatus.FATAL_ERROR:
            return None
        expect(result.error_field(pq.DiagnosticField.SQLSTATE) in (b"57014", b"57P01"),
               result.error_message.decode())
        return spent


class CancelHnsw(Cancel):
    """Statements that are told to end, with hnsw."""

    name = "cancel-hnsw"
    method = "hnsw"
    small = 2


class CancelIvf(Cancel):
    """Statements that are told to end, with ivf."""

    name = "cancel-ivf"
    method = "ivf"
    small = 2
