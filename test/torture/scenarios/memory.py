"""Allocations that fail: row 9 of the programme."""

import mmap
import struct

import psycopg

import oracle
from finding import expect
from scenario import Scenario
from server import Server, library
from world import BY_INDEX, LARGE, World

# What is done with the table: before, which has what it needs, and then the
# statement that has not.
STATEMENTS = {
    "search": (None, "SELECT id FROM items ORDER BY v <-> made(5) LIMIT 10"),
    "search of all": (None, "SELECT count(id) FROM (SELECT id FROM items"
                            " ORDER BY v <-> made(5)) x"),
    "filtered search": (None, "SELECT id FROM items WHERE tag = ANY ('{1,2,3}') AND turn < 5"
                              " ORDER BY v <-> made(6) LIMIT 50"),
    "search of a bitmap": (None, "SELECT id FROM items WHERE id BETWEEN 100 AND 900"
                                 " ORDER BY v <-> made(6) LIMIT 20"),
    "insert": (None, "INSERT INTO items SELECT i, 1, i % 10, 0, row_vector(i, 1)"
                     " FROM generate_series(100001, 100020) i ON CONFLICT DO NOTHING"),
    "update": (None, "UPDATE items SET note = note + 1 WHERE id % 100 = 7"),
    "vacuum": ("DELETE FROM items WHERE id > 100000 OR id % 100 = 9;"
               "INSERT INTO items SELECT i, 1, i % 10, 0, row_vector(i, 1)"
               " FROM generate_series(9, 2000, 100) i",
               "VACUUM (INDEX_CLEANUP on) items"),
    "build coded": (None, "REINDEX INDEX items_coded"),
    "build plain": (None, "REINDEX INDEX items_plain"),
    "build concurrently": (None, "REINDEX INDEX CONCURRENTLY items_coded"),
    "build in little memory": (None, "SET LOCAL maintenance_work_mem = '1MB';"
                                     " CREATE INDEX more ON items USING {large}; DROP INDEX more"),
    "check": (None, "SELECT * FROM vecdb_index_check('items_coded', true)"),
    "info": (None, "SELECT vecdb_index_info('items_plain')"),
    "recall": (None, "SELECT vecdb_recall('items_coded', 10)"),
    "calibrate": (None, "SELECT vecdb_calibrate('items_coded')"),
    "prewarm": (None, "SELECT vecdb_prewarm('items_coded')"),
    "types": (None, "SELECT avg(v), sum(v::halfvec), max(v::sparsevec::text), count(DISTINCT v)"
                    " FROM items"),
}

# Where memory is short anyway; 64kB is the least of maintenance_work_mem in 18.
SHORT = [{}, {}, {"maintenance_work_mem": "'1MB'"},
         {"work_mem": "'64kB'", "hnsw.scan_mem_multiplier": "1"}]

POINTS = 10


class Orders:
    """What memory.c is told; see there."""

    def __init__(self, path):
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 16)

    def give(self, pid=0, at=0, many=0):
        """Returns how many allocations there were since the last orders."""
        count, = struct.unpack("i", self.map[12:16])
        self.map[:4] = bytes(4)
        self.map[4:16] = struct.pack("iii", at, many, 0)
        self.map[:4] = struct.pack("i", pid)
        return count


class Memory(Scenario):
    """A statement that gets no memory ends in an error that says so, and
    nobody else notices."""

    method = None

    def set_up(self):
        self.orders = Orders(self.folder / "orders")
        # LLVM ends its process when it gets no memory.
        self.server = self.own(Server(self.folder / "a", {"jit": "off"}, {
            "LD_PRELOAD": str(library("memory")), "VDB_MEMORY": str(self.folder / "orders")}))
        self.server.init()
        self.world = World(self.server, self.method).create()
        # PostgreSQL's own end of a transaction fails an assertion when it gets no
        # memory, either.
        self.many = [1] if self.server.value("SHOW debug_assertions") == "on" else [1, 1, 3, 1000]

    def step(self, number, chance):
        did = {"points": 0, "errors": 0}
        for _ in range(POINTS):
            name = chance.choice(list(STATEMENTS))
            error = self.point(name, chance)
            did["points"] += 1
            did["errors"] += error is not None
        self.world.drop_invalid()
        self.server.script("DELETE FROM items WHERE id > 100000; VACUUM items;")
        oracle.check_heap(self.world)
        oracle.check_indexes(self.world)
        oracle.check_searches(self.world, chance.randint(0, 100000))
        self.server.check_log()
        return did

    def point(self, name, chance):
        """One failure, somewhere; the error that came of it, or None."""
        first, statement = STATEMENTS[name]
        statement = statement.replace("{large}", LARGE[self.method])
        settings = {**BY_INDEX, **chance.choice(SHORT)}
        warm = chance.random() < 0.7
        with self.server.connect() as connection:
            for setting, value in settings.items():
                connection.execute(f"SET {setting} = {value}")
            if first:
                connection.execute(first)
            pid = connection.info.backend_pid
            self.orders.give(pid)
            if warm:
                connection.execute(statement)
            else:
                connection.execute("SELECT count(*) FROM items")
            count = self.orders.give()
            if first:
                connection.execute(first)
            self.orders.give(pid, chance.randint(1, max(count, 30)), chance.choice(self.many))
            error = self.ask(connection, f"{name}, {settings}", statement)
            self.orders.give()
            # The same once more, with all that it needs.
            if first:
                connection.execute(first)
            if "CONCURRENTLY" not in statement:
                connection.execute(statement)
            return error

    def ask(self, connection, what, statement):
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            self.orders.give()
            expect(not (connection.closed or connection.broken),
                   f"{what}: {error}: {self.server.tail()}")
            expect(error.sqlstate == "53200", f"{what}: {error.sqlstate}: {error}")
            return str(error)
        return None


class MemoryHnsw(Memory):
    """Allocations that fail, with hnsw."""

    name = "memory-hnsw"
    method = "hnsw"
    small = 3


class MemoryIvf(Memory):
    """Allocations that fail, with ivf."""

    name = "memory-ivf"
    method = "ivf"
    small = 3
