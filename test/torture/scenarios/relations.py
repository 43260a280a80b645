"""Kinds of relation: row 12 of the programme."""

import psycopg

import oracle
from finding import expect
from scenario import Scenario
from server import Server, run
from world import BY_INDEX, BY_TABLE, SETUP, TYPES, World

METHODS = ("hnsw", "ivf", "ivfflat")
COMBINATIONS = [(method, of) for of in TYPES for method in METHODS]

# What a database has before a case: functions, and a second place for files.
DATABASE = SETUP + """
CREATE TABLESPACE elsewhere LOCATION '';
"""


class Cell(World):
    """A table of one type with two indexes of one method, and what it should
    have: there, of each row its turn."""

    def __init__(self, server, method, of):
        super().__init__(server, method, "cell", of=of)
        self.there = {}
        # The tables that have its rows, and what searches ask for.
        self.tables = [self.name]
        self.conditions = ["true", "tag = 3", "tag < 5 AND turn <> 1"]

    def sql(self, *statements):
        """Run statements on one connection."""
        with self.server.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def fails(self, *statements):
        """The last of the statements gets an error."""
        with self.server.connect() as connection:
            for statement in statements[:-1]:
                connection.execute(statement)
            try:
                connection.execute(statements[-1])
            except psycopg.Error:
                return
        expect(False, f"no error: {statements[-1]}")

    def create_table(self, kind=""):
        return (f"CREATE {kind} TABLE {self.name} (id int PRIMARY KEY, turn int, tag int,"
                f" note int DEFAULT 0, v {self.type}(24))")

    def create_indexes(self, table=None):
        return [f"CREATE INDEX ON {table or self.name} USING {definition}"
                for definition, _, _ in self.indexes.values()]

    def make(self, kind="", rows=300):
        """The table, one index before its rows and others after them."""
        first, *others = self.create_indexes()
        self.sql(self.create_table(kind), first)
        self.put(1, rows)
        self.sql(*others)

    def insert(self, first, last, turn=0):
        """A statement that makes rows."""
        return (f"INSERT INTO {self.name} SELECT i, {turn}, i % 10, 0, row_{self.type}(i, {turn})"
                f" FROM generate_series({first}, {last}) i")

    def has(self, first, last, turn=0):
        self.there.update((i, turn) for i in range(first, last + 1))

    def put(self, first, last):
        """Rows that are there from now on."""
        self.sql(self.insert(first, last))
        self.has(first, last)

    def change(self):
        """Deletes, updates, and rows in their place."""
        top = max(self.there, default=0)
        self.sql(f"DELETE FROM {self.name} WHERE id % 3 = 1",
                 f"UPDATE {self.name} SET turn = 7, v = row_{self.type}(id, 7) WHERE id % 5 = 0",
                 f"VACUUM {self.name}")
        self.there = {i: 7 if i % 5 == 0 else turn
                      for i, turn in self.there.items() if i % 3 != 1}
        self.put(top + 1, top + 100)

    # ---- the oracle ----

    def verify(self, seed, deep=True):
        """The rows are as they should be, and indexes find them.  (A deep check
        of these waits for prepared transactions.)"""
        rows = self.server.rows(
            f"SELECT id, turn, v IS NOT DISTINCT FROM row_{self.type}(id, turn)"
            f" FROM {self.name}", settings=BY_TABLE)
        found = {row: turn for row, turn, _ in rows}
        expect(found == self.there, f"{len(rows)} rows, {len(self.there)} should be;"
               f" {sorted(set(found.items()) ^ set(self.there.items()))[:10]}")
        expect(len(found) == len(rows), "rows that are there twice")
        expect(all(right for _, _, right in rows), "rows that are not as written")
        for table in self.tables:
            problems = self.server.rows(f"SELECT blkno, msg FROM verify_heapam('{table}')")
            expect(not problems, f"{table}: verify_heapam: {problems}")
        for index in self.all_indexes():
            problems = self.server.rows("SELECT block, problem FROM vecdb_index_check(%s, %s)",
                                        index, deep)
            expect(not problems, f"{index}: vecdb_index_check: {problems}")
        oracle.compare_searches(
            self.server, self, self.indexes, self.conditions, seed,
            lambda _, plan: "Index Scan using" in plan and "Seq Scan" not in plan)
        self.server.check_log()

    def all_indexes(self):
        """Those of its tables that can be used."""
        return [name for (name,) in self.server.rows(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " JOIN pg_am a ON a.oid = relam WHERE amname = ANY (%s) AND indisvalid"
            " AND indrelid = ANY (%s::regclass[])", list(METHODS), self.tables)]


# ---- the cases: what they leave is a crash's to lose ----

def unlogged(cell, chance):
    """Empty after a crash, wherever the checkpoint was, and of use."""
    cell.make("UNLOGGED")
    for index in cell.all_indexes():
        there = cell.server.value("SELECT (pg_stat_file(pg_relation_filepath(%s) || '_init'))"
                                  ".size > 0", index)
        expect(there, f"{index} has no init fork")
    if chance.random() < 0.5:
        cell.sql("CHECKPOINT")
    cell.change()
    cell.there = {}


def unlogged_stopped(cell, _):
    """What is unlogged lives over a stop, but not over a crash after it."""
    cell.make("UNLOGGED")
    cell.server.stop("fast")
    cell.server.start()
    cell.verify(1)
    cell.change()
    cell.there = {}


def set_logged(cell, chance):
    """From unlogged to logged, and there and back."""
    cell.make("UNLOGGED")
    cell.sql("ALTER TABLE cell SET LOGGED")
    if chance.random() < 0.5:
        cell.sql("ALTER TABLE cell SET UNLOGGED", "ALTER TABLE cell SET LOGGED")
    cell.change()


def set_unlogged(cell, _):
    """From logged to unlogged; and a rollback of that."""
    cell.make()
    cell.sql("BEGIN", "ALTER TABLE cell SET UNLOGGED", cell.insert(1001, 1010), "ROLLBACK")
    # A crash that loses only the end of that transaction is one after which
    # PostgreSQL starts at the second try (its bug 17731).
    cell.put(301, 310)
    cell.server.stop("immediate")
    cell.server.start()
    cell.verify(1)
    cell.sql("ALTER TABLE cell SET UNLOGGED")
    cell.change()
    cell.there = {}


def promoted(cell, _):
    """On a standby that is promoted, what is unlogged is empty, and of use."""
    cell.make("UNLOGGED")
    standby = cell.server.standby(cell.server.folder.parent / "standby")
    try:
        standby.start()
        cell.server.await_replay(standby)
        standby.promote()
        primary, cell.server, there = cell.server, standby, cell.there
        cell.there = {}
        cell.verify(2)
        cell.put(1, 200)
        cell.change()
        cell.verify(3)
        cell.server, cell.there = primary, there
    finally:
        standby.stop("immediate")
        run("rm", "-rf", standby.folder)
    cell.there = {}


def minimal(cell, chance):
    """What is new in its transaction is synced instead of logged, or logged if
    it is small."""
    cell.server.stop("fast")
    logical = dict(cell.server.settings)
    cell.server.configure(wal_level="minimal", max_wal_senders="0",
                          wal_skip_threshold=chance.choice(["0", "1GB"]))
    cell.server.start()
    first, *others = cell.create_indexes()
    cell.sql("BEGIN", cell.create_table(), first, cell.insert(1, 200), *others,
             cell.insert(201, 260), "SAVEPOINT s", cell.insert(301, 320),
             "REINDEX TABLE cell", "ROLLBACK TO s", cell.insert(321, 340), "COMMIT")
    cell.has(1, 260)
    cell.has(321, 340)
    cell.server.stop("immediate")
    cell.server.start()
    cell.verify(4)
    cell.sql("BEGIN", "TRUNCATE cell", cell.insert(1, 150), "DELETE FROM cell WHERE id < 11",
             "COMMIT", cell.insert(151, 180))
    cell.there = {}
    cell.has(11, 180)
    cell.server.stop("immediate")
    cell.server.start()
    cell.verify(5)
    cell.sql("BEGIN", "TRUNCATE cell", cell.insert(1, 50), "ROLLBACK",
             "BEGIN", "REINDEX TABLE cell", cell.insert(181, 200), "COMMIT")
    cell.has(181, 200)
    cell.server.stop("immediate")
    cell.server.settings = logical
    cell.server.start()


def tablespace(cell, chance):
    """Moved, with rows that come before and after."""
    cell.make()
    indexes = cell.all_indexes()
    cell.sql(*(f"ALTER INDEX {index} SET TABLESPACE elsewhere" for index in indexes))
    cell.change()
    if chance.random() < 0.5:
        cell.sql("ALTER TABLE cell SET TABLESPACE elsewhere",
                 f"REINDEX (TABLESPACE pg_default) INDEX {indexes[0]}")
        cell.change()
    cell.sql("BEGIN", f"ALTER INDEX {indexes[-1]} SET TABLESPACE pg_default", "ROLLBACK")


def partitions(cell, _):
    """Partitions attached and detached, their indexes too."""
    cell.sql(cell.create_table() + " PARTITION BY RANGE (id)",
             "CREATE TABLE low PARTITION OF cell FOR VALUES FROM (1) TO (151)",
             "CREATE TABLE high (LIKE cell INCLUDING ALL)",
             *cell.create_indexes("high"))
    for number, (definition, _, _) in enumerate(cell.indexes.values()):
        cell.sql(f"CREATE INDEX whole{number} ON ONLY cell USING {definition}",
                 f"CREATE INDEX low{number} ON low USING {definition}",
                 f"ALTER INDEX whole{number} ATTACH PARTITION low{number}")
    cell.sql("ALTER TABLE cell ATTACH PARTITION high FOR VALUES FROM (151) TO (100000)")
    cell.tables = ["low", "high"]
    cell.put(1, 300)
    cell.change()
    cell.sql("BEGIN", "ALTER TABLE cell DETACH PARTITION low", "INSERT INTO low SELECT"
             f" 151, 0, 1, 0, row_{cell.type}(151, 0)", "ROLLBACK",
             "ALTER TABLE cell DETACH PARTITION high CONCURRENTLY",
             "DELETE FROM high WHERE id > 350", "VACUUM high",
             "ALTER TABLE cell ATTACH PARTITION high FOR VALUES FROM (151) TO (100000)")
    cell.there = {i: turn for i, turn in cell.there.items() if i <= 350}
    unattached = cell.server.rows("SELECT relname FROM pg_class WHERE relkind = 'I'"
                                  " AND relname LIKE 'whole_' AND NOT EXISTS (SELECT FROM"
                                  " pg_inherits WHERE inhparent = pg_class.oid)")
    expect(not unattached, f"indexes without partitions: {unattached}")


def inherited(cell, _):
    """A table with children."""
    cell.make()
    cell.sql("CREATE TABLE child (LIKE cell INCLUDING ALL) INHERITS (cell)",
             *cell.create_indexes("child"),
             "INSERT INTO child SELECT id + 1000, turn, tag, note,"
             f" row_{cell.type}(id + 1000, turn) FROM cell")
    cell.has(1001, 1300)
    cell.tables = ["cell", "child"]
    cell.change()


def partial(cell, _):
    """Indexes of a part of the rows, and of an expression; rows go in and out."""
    definitions = list(cell.indexes.values())
    cell.indexes = {
        "cell_part": (definitions[0][0] + " WHERE tag < 5", definitions[0][1], "v"),
        "cell_of": (definitions[1][0].replace("(v ", "((coalesce(v, v)) ") + " WHERE note = 0",
                    definitions[1][1], "coalesce(v, v)"),
    }
    cell.conditions = ["tag < 5 AND note = 0", "tag < 3 AND note = 0 AND turn <> 1"]
    cell.make()
    cell.sql("UPDATE cell SET tag = 9 - tag WHERE id % 7 = 1",
             "UPDATE cell SET note = id % 2 WHERE id % 4 > 1", "VACUUM cell",
             "UPDATE cell SET tag = id % 10, note = 0 WHERE id % 8 > 5")
    cell.change()


def rewritten(cell, _):
    """CLUSTER, VACUUM FULL, other types of columns; and rollbacks of that."""
    cell.make()
    cell.sql("CLUSTER cell USING cell_pkey")
    cell.change()
    cell.sql("VACUUM FULL cell", "ALTER TABLE cell ALTER note TYPE bigint")
    cell.sql("BEGIN", f"ALTER TABLE cell ALTER v TYPE {cell.type}(24) USING"
             f" row_{cell.type}(id + 1, 0)", cell.insert(5001, 5010), "ROLLBACK",
             f"ALTER TABLE cell ALTER v TYPE {cell.type}(24) USING row_{cell.type}(id, turn)")
    cell.change()


def truncated(cell, _):
    """TRUNCATE, committed and not, at the top and in a subtransaction."""
    cell.make()
    cell.sql("BEGIN", "TRUNCATE cell", cell.insert(1, 40), "TRUNCATE cell", cell.insert(41, 90),
             "ROLLBACK")
    cell.verify(6)
    cell.sql("BEGIN", cell.insert(301, 310), "SAVEPOINT s", "TRUNCATE cell", cell.insert(1, 40),
             "ROLLBACK TO s", cell.insert(311, 320), "COMMIT")
    cell.has(301, 320)
    cell.verify(7)
    cell.sql("TRUNCATE cell", "BEGIN", cell.insert(1, 100), "TRUNCATE cell",
             cell.insert(101, 180), "COMMIT")
    cell.there = {}
    cell.has(101, 180)


def reindexed(cell, _):
    """REINDEX and CREATE INDEX CONCURRENTLY that fail, and what they leave."""
    cell.make()
    index = cell.all_indexes()[0]
    with cell.server.connect() as other:
        # An old transaction with a row of its own, which they wait for.
        other.execute("BEGIN")
        other.execute(cell.insert(901, 903))
        cell.fails("SET lock_timeout = '50ms'", f"REINDEX INDEX CONCURRENTLY {index}")
        cell.fails("SET lock_timeout = '50ms'",
                   f"CREATE INDEX CONCURRENTLY late ON cell USING {cell.method} (v"
                   f" {TYPES[cell.type][1][0]})")
        other.execute("COMMIT")
    cell.has(901, 903)
    cell.change()
    cell.sql("BEGIN", "REINDEX TABLE cell", cell.insert(5001, 5010), "ROLLBACK")
    invalid = cell.server.rows("SELECT indexrelid::regclass::text FROM pg_index"
                               " WHERE NOT indisvalid")
    expect(invalid, "nothing is left of what failed")
    cell.sql(*(f"DROP INDEX {name}" for (name,) in invalid),
             "REINDEX TABLE CONCURRENTLY cell")
    cell.change()


def dropped(cell, _):
    """DROP of indexes, and of the table, that are rolled back."""
    cell.make()
    index = cell.all_indexes()[0]
    cell.sql("BEGIN", f"DROP INDEX {index}", cell.insert(901, 910), "ROLLBACK",
             "BEGIN", cell.insert(301, 320), "SAVEPOINT s", "DROP TABLE cell", "ROLLBACK TO s",
             cell.insert(321, 330), "COMMIT")
    cell.has(301, 330)
    cell.change()


def created(cell, _):
    """CREATE INDEX that is rolled back, with rows before and after it."""
    cell.make()
    again = cell.create_indexes()
    cell.sql("BEGIN", cell.insert(901, 910), *again, cell.insert(911, 920), "ROLLBACK",
             "BEGIN", cell.insert(301, 310), "SAVEPOINT s", *again, cell.insert(911, 920),
             "ROLLBACK TO s", cell.insert(311, 320), *again, cell.insert(321, 330), "COMMIT")
    cell.has(301, 330)
    cell.change()


def subtransactions(cell, chance):
    """Savepoints released and not, and prepared transactions over a crash."""
    cell.make()
    statements = ["BEGIN"]
    for i in range(12):
        first = 1001 + 10 * i
        keep = chance.random() < 0.5
        statements += ["SAVEPOINT s", cell.insert(first, first + 9), "SAVEPOINT t",
                       "DELETE FROM cell WHERE id % 4 = 0", "UPDATE cell SET turn = 9",
                       "ROLLBACK TO t", "RELEASE s" if keep else "ROLLBACK TO s"]
        if keep:
            cell.has(first, first + 9)
    cell.sql(*statements, "COMMIT")
    cell.sql("BEGIN", cell.insert(2001, 2020), "DELETE FROM cell WHERE id < 50",
             "PREPARE TRANSACTION 'kept'")
    cell.sql("BEGIN", cell.insert(2101, 2120), "DELETE FROM cell WHERE id BETWEEN 50 AND 90",
             "PREPARE TRANSACTION 'lost'")
    cell.sql("VACUUM cell")
    cell.server.stop("immediate")
    cell.server.start()
    cell.verify(8, deep=False)
    cell.sql("COMMIT PREPARED 'kept'", "ROLLBACK PREPARED 'lost'", "VACUUM cell")
    cell.there = {i: turn for i, turn in cell.there.items() if i >= 50}
    cell.has(2001, 2020)


def temporary(cell, _):
    """Tables of a session: emptied at each commit, dropped, or kept."""
    for end in "DELETE ROWS", "PRESERVE ROWS", "DROP":
        with cell.server.connect() as connection:
            connection.execute("BEGIN")
            connection.execute(f"{cell.create_table('TEMP')} ON COMMIT {end}")
            for statement in cell.create_indexes():
                connection.execute(statement)
            temporary_rows(cell, connection, 1)
            connection.execute("COMMIT")
            if end == "DROP":
                continue
            for turn in range(2, 5):
                connection.execute("BEGIN")
                temporary_rows(cell, connection, turn)
                connection.execute("SAVEPOINT s")
                connection.execute("TRUNCATE cell")
                connection.execute("ROLLBACK TO s")
                temporary_rows(cell, connection, turn + 10)
                connection.execute("COMMIT" if turn % 2 else "ROLLBACK")
            connection.execute("VACUUM cell")
            temporary_rows(cell, connection, 20)
    # A session that is not there any more when the server comes back.
    cell.left = cell.server.connect()
    cell.left.execute(cell.create_table("TEMP"))
    for statement in cell.create_indexes() + [cell.insert(1, 100)]:
        cell.left.execute(statement)
    cell.tables = []


def temporary_rows(cell, connection, part):
    """More rows in a temporary table, which indexes find."""
    connection.execute(cell.insert(part * 100, part * 100 + 79))
    connection.execute("DELETE FROM cell WHERE id % 9 = 4")
    connection.execute(f"UPDATE cell SET turn = 2, v = row_{cell.type}(id, 2) WHERE id % 9 = 5")
    for (index,) in connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'cell'::regclass"
            " AND NOT indisprimary").fetchall():
        problems = connection.execute("SELECT block, problem FROM vecdb_index_check(%s, true)",
                                      [index]).fetchall()
        expect(not problems, f"temporary {index}: vecdb_index_check: {problems}")
    right = connection.execute("SELECT count(*), count(*), sum(hashint4(id)::bigint)"
                               " FROM cell").fetchone()
    for name in cell.indexes:
        with connection.transaction():
            for setting, value in BY_INDEX.items():
                connection.execute(f"SET LOCAL {setting} = {value}")
            _, operator, of = cell.indexes[name]
            found = connection.execute(
                "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint) FROM (SELECT id"
                f" FROM cell ORDER BY {of} {operator} {cell.operand(name, part)}) x").fetchone()
            expect(found == right, f"temporary table, {name}: index {found}, table {right}")


CASES = [unlogged, promoted, minimal, temporary, truncated, reindexed, partitions,
         subtransactions, tablespace, unlogged_stopped, set_logged, set_unlogged, inherited,
         partial, rewritten, dropped, created]


class Relations(Scenario):
    """Indexes of every kind of relation, of each method and type, are sound
    after what their tables go through, and a crash at its end."""

    name = "relations"
    small = 8

    def set_up(self):
        self.server = self.own(Server(self.folder / "a",
                                      {"allow_in_place_tablespaces": "on"})).init()
        self.server.script(DATABASE)

    def step(self, number, chance):
        # Every case with one of the pairs; in the next round with another one.
        turn = number // len(CASES)
        case = CASES[number % len(CASES)]
        method, of = COMBINATIONS[(turn + number % len(CASES) * 4) % len(COMBINATIONS)]
        cell = Cell(self.server, method, of)
        try:
            case(cell, chance)
            self.server.stop("immediate")
            self.server.start()
            if cell.tables:
                cell.verify(chance.randint(0, 100000))
                cell.put(8001, 8100)
                cell.change()
                cell.verify(chance.randint(0, 100000))
                cell.sql(f"DROP TABLE {cell.name} CASCADE")
            self.server.check_log()
        except Exception as error:
            error.args = (f"{case.__name__}, {method}, {of}: {error}",)
            raise
        return {case.__name__: 1}
