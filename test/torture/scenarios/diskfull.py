"""A full disk: row 8 of the programme."""

import mmap
import struct
import time

import psycopg

import oracle
from finding import expect
from scenario import Scenario
from server import Server, library
from world import LARGE, Beside, World

FULL = "53100"

# What goes on beside the writers, in turn.  With so little memory, the builds
# sort on disk.
BESIDE = [
    ["SELECT 1"],
    ["VACUUM (INDEX_CLEANUP on) items"],
    ["REINDEX INDEX items_coded", "REINDEX INDEX items_plain"],
    ["REINDEX INDEX CONCURRENTLY items_coded"],
    ["CREATE INDEX more ON items USING {large}", "DROP INDEX more"],
]


class Space:
    """What full.c is told; see there."""

    def __init__(self, path):
        path.write_bytes(struct.pack("qq", -1, 0))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 16)

    def limit(self, left):
        """So many bytes are left from now on; -1: enough."""
        self.map[:8] = struct.pack("q", left)

    def is_full(self):
        """Has something not fitted since the last time?"""
        return any(self.map[8:])

    def refused(self):
        """How many writes did not fit since the last time."""
        count, = struct.unpack("q", self.map[8:])
        self.map[8:] = bytes(8)
        return count


class DiskFull(Scenario):
    """A full disk is an error that says so; every index is sound after it, and
    life goes on when there is room."""

    method = None

    def set_up(self):
        self.space = Space(self.folder / "space")
        self.server = self.own(Server(
            self.folder / "a", {"maintenance_work_mem": "1MB"},
            {"LD_PRELOAD": str(library("full")), "VDB_FULL": str(self.folder / "space")}))
        self.server.init()
        self.world = World(self.server, self.method).create()

    def step(self, number, chance):
        before = self.world.acknowledged()
        statements = [text.format(large=LARGE[self.method])
                      for text in BESIDE[number % len(BESIDE)]]
        self.world.write(3, chance.random(), 0.05)
        beside = Beside(self.server, statements, chance.random())
        time.sleep(chance.uniform(0, 0.5))
        self.space.limit(chance.choice([0, 8192, chance.randint(0, 1 << 18),
                                        chance.randint(0, 1 << 21)]))
        self.await_full(chance)
        errors = self.world.stop() + beside.stop()
        self.space.limit(-1)
        # Of the index that is made and dropped again, one is always missing, or there.
        oracle.check_errors(errors, [FULL, "42P07", "42704"])
        self.world.drop_invalid()
        self.server.script("DROP INDEX IF EXISTS more;")
        rows = oracle.check(self.world, chance.randint(0, 100000))
        if rows > 4000:
            self.world.thin(2000)
        self.server.script("VACUUM items;" + "".join(
            f"REINDEX INDEX {name};" for name in self.world.indexes if chance.random() < 0.3))
        oracle.check(self.world, chance.randint(0, 100000))
        return {"times full": 1, "errors": sum(FULL in error for error in errors),
                "writes refused": self.space.refused(),
                "acknowledged": self.world.acknowledged() - before}

    def await_full(self, chance):
        """Until something did not fit, and a moment more."""
        deadline = time.monotonic() + 60
        with self.server.connect() as connection:
            number = 0
            while not self.space.is_full():
                expect(time.monotonic() < deadline, "the disk does not fill up")
                number += 1
                try:
                    connection.execute(f"CREATE TEMP TABLE filler_{number} AS"
                                       " SELECT generate_series(1, 3000)")
                except psycopg.Error as error:
                    expect(error.sqlstate == FULL, f"filler: {error}")
        time.sleep(chance.uniform(0.1, 0.6))

    def finish(self):
        oracle.check_recall(self.world)
        return {}


class DiskFullHnsw(DiskFull):
    """A full disk, with hnsw."""

    name = "diskfull-hnsw"
    method = "hnsw"
    small = 5


class DiskFullIvf(DiskFull):
    """A full disk, with ivf."""

    name = "diskfull-ivf"
    method = "ivf"
    small = 5
