"""Crashes of processes: row 2 of the programme."""

import time

import oracle
from finding import expect
from scenario import Scenario
from server import Server
from world import Beside, World, Writer

# What clients may be told when their server goes away.
GONE = ["server closed the connection", "terminating connection", "57P0", "connection",
        "the database system is"]

# Rows of a table before its oldest are deleted, and how many are left then.
MOST_ROWS = 1500
LEFT_ROWS = 700

# Rows of the unlogged table, which are gone after each crash.
LOOSE_ROWS = 60


class Preparer(Writer):
    """A client whose transactions are prepared and then finished."""

    def __init__(self, world, number):
        super().__init__(world, number)
        self.gid = f"{world.name} {number}"
        # The rows with what is prepared, or about to be; and is it for sure?
        self.prepared = None
        self.sure = False

    def transaction(self, connection, chance):
        self.prepared = dict(self.rows)
        statement, values = self.statement(self.prepared, chance)
        connection.execute("BEGIN")
        connection.execute(statement, values)
        connection.execute(f"PREPARE TRANSACTION '{self.gid}'")
        self.sure = True
        connection.execute(f"SELECT pg_sleep({0.05 * chance.random()})")
        self.sure = False
        if chance.random() < 0.7:
            self.doubt = self.prepared
            connection.execute(f"COMMIT PREPARED '{self.gid}'")
            self.rows = self.prepared
            self.acknowledged += 1
        else:
            connection.execute(f"ROLLBACK PREPARED '{self.gid}'")
        self.doubt = self.prepared = None

    def is_prepared(self):
        """Is there a prepared transaction after a crash?  Of such a one nothing
        is in the table yet."""
        there = bool(self.world.server.rows(
            "SELECT 1 FROM pg_prepared_xacts WHERE gid = %s", self.gid))
        expect(there or not self.sure, f"{self.gid}: the prepared transaction is gone")
        if there:
            self.doubt = None
        self.sure = False
        return there

    def resolve(self, chance):
        """Finish what is prepared."""
        how = chance.choice(["COMMIT", "ROLLBACK"])
        self.world.server.rows(f"{how} PREPARED '{self.gid}'")
        if how == "COMMIT":
            self.rows = self.prepared


class Loose:
    """An UNLOGGED table with the indexes of a method: empty after a crash, and
    usable."""

    def __init__(self, server, method):
        self.world = World(server, method, "loose", "UNLOGGED")
        self.server = server

    def create(self):
        self.world.create(LOOSE_ROWS)

    def fill(self, seed):
        self.server.script(f"INSERT INTO loose SELECT i, 0, i % 10, 0, row_vector({seed} + i, 0)"
                           f" FROM generate_series(1, {LOOSE_ROWS}) i;")

    def check_empty(self):
        rows = self.server.value("SELECT count(*) FROM loose")
        expect(rows == 0, f"an unlogged table has {rows} rows after a crash")
        oracle.check_indexes(self.world)

    def check(self, seed):
        oracle.check_indexes(self.world)
        oracle.check_searches(self.world, seed)


class Fresh:
    """A table that is dropped and made anew with its indexes, again and again, each
    time in one transaction; with wal_level = minimal it has no WAL."""

    def __init__(self, server, method):
        self.world = World(server, method, "fresh")
        self.server = server

    def statement(self):
        indexes = "".join(f"CREATE INDEX {name} ON fresh USING {of[0]}; "
                          for name, of in self.world.indexes.items())
        return ("BEGIN; DROP TABLE IF EXISTS fresh; CREATE TABLE fresh AS TABLE items; "
                + indexes + "COMMIT")

    def check(self, seed, made):
        """Of what was committed all is there."""
        there = self.server.value("SELECT to_regclass('fresh') IS NOT NULL")
        expect(there or not made, "a table is gone after a crash")
        if there:
            expect(self.server.value("SELECT count(*) FROM fresh") >= LEFT_ROWS / 2,
                   "a table has lost its rows in a crash")
            expect(len(self.world.valid_indexes()) == len(self.world.indexes),
                   "a table has lost its indexes in a crash")
            oracle.check_indexes(self.world)
            oracle.check_searches(self.world, seed)


class Kill(Scenario):
    """No acknowledged row is lost and every index is sound after kill -9 of
    the server or of one process at any moment of insert, update, vacuum,
    build, and recovery; unlogged tables are empty, and what was prepared can be
    finished."""

    method = None
    # What goes on beside the writers, in turn.
    beside = {
        "insert": [],
        "vacuum": ["VACUUM {table}"],
        "build": ["REINDEX INDEX {table}_coded", "REINDEX INDEX {table}_plain",
                  "CREATE INDEX gone ON {table} USING {method} (v vector_l2_ops); DROP INDEX gone",
                  "REINDEX TABLE loose"],
        "concurrently": ["REINDEX TABLE CONCURRENTLY {table}"],
        "prepared": [],
        "create": ["{create}"],
    }

    def make_server(self):
        return self.own(Server(self.folder / "a")).init()

    def set_up(self):
        self.server = self.make_server()
        self.world = World(self.server, self.method).create(LEFT_ROWS)
        self.preparer = Preparer(self.world, len(self.world.writers) - 1)
        self.preparer.rows = self.world.writers[-1].rows
        self.preparer.next = self.world.writers[-1].next
        self.world.writers[-1] = self.preparer
        self.loose = Loose(self.server, self.method)
        self.loose.create()
        self.fresh = Fresh(self.server, self.method)
        self.made = False

    # ---- the crash ----

    def crash(self, chance):
        """One of the ways to lose a server."""
        way = chance.choice(["postmaster", "all", "child", "child", "immediate"])
        if way == "child":
            # One that has just gone by itself was no crash.
            while self.server.kill_child(chance) is None:
                pass
        elif way == "immediate":
            self.server.stop("immediate")
            self.recover(chance)
        else:
            self.server.kill(all_at_once=way == "all")
            self.recover(chance)

    def recover(self, chance):
        """Start again; sometimes recovery is killed, too, and begins anew."""
        while chance.random() < 0.5 and self.again < 3:
            process = self.server.start_only()
            time.sleep(chance.uniform(0.0, 0.1))
            self.again += not self.server.is_ready()
            self.server.kill(all_at_once=chance.random() < 0.5)
            process.wait()
        self.server.start()

    # ---- a step ----

    def work_and_crash(self, kind, chance):
        """Clients work, and the server crashes.  Returns the errors that they
        were answered."""
        settings = {}
        if kind == "vacuum":
            # Work for it, at a pace at which a crash finds it working.
            self.world.delete(0.2, chance)
            settings = {"vacuum_cost_delay": 1, "vacuum_cost_limit": 10}
        self.world.write(1 if kind == "prepared" else 3, chance.random())
        if kind == "prepared":
            self.preparer.start(chance.random(), 0)
        beside = Beside(self.server, [statement.format(table="items", method=self.method,
                                                       create=self.fresh.statement())
                                      for statement in self.beside[kind] or ["SELECT 1"]],
                        chance.random(), settings)
        # That many indexes take their time.
        time.sleep(chance.uniform(0.05, 2.5 if kind == "create" else 0.7))
        self.crash(chance)
        errors = self.world.stop() + beside.stop()
        self.made |= kind == "create" and beside.done > 0
        return errors

    def check(self, kind, seed, chance):
        """The oracle after a crash, and after what vacuum does then."""
        prepared = kind == "prepared" and self.preparer.is_prepared()
        if prepared:
            # The check of indexes waits for it.
            self.world.settle()
            oracle.check_searches(self.world, seed)
            self.preparer.resolve(chance)
        self.loose.check_empty()
        self.world.drop_invalid()
        rows = oracle.check(self.world, seed)
        if chance.random() < 0.3:
            self.loose.fill(seed)
            self.loose.check(seed)
        if kind == "create":
            self.fresh.check(seed, self.made)
        if rows > MOST_ROWS:
            self.world.thin(LEFT_ROWS)
        self.server.script("VACUUM items;")
        if chance.random() < 0.3:
            oracle.check(self.world, seed + 1)
        else:
            oracle.check_indexes(self.world)
        return prepared

    def step(self, number, chance):
        kind = list(self.beside)[number % len(self.beside)]
        before = self.world.acknowledged(), self.world.in_doubt()
        self.again = 0
        oracle.check_errors(self.work_and_crash(kind, chance), GONE)
        prepared = self.check(kind, chance.randint(0, 100000), chance)
        return {f"crashes in {kind}": 1, "crashes in recovery": self.again,
                "found prepared": int(prepared),
                "acknowledged": self.world.acknowledged() - before[0],
                "in doubt": self.world.in_doubt() - before[1]}

    def finish(self):
        oracle.check_recall(self.world)
        oracle.check(self.world, 1)
        return {}


class KillHnsw(Kill):
    """Crashes of processes, with hnsw."""

    name = "kill-hnsw"
    method = "hnsw"
    small = 6


class KillIvf(Kill):
    """Crashes of processes, with ivf."""

    name = "kill-ivf"
    method = "ivf"
    small = 6
