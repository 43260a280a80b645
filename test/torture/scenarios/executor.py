"""What PostgreSQL's executor may ask of a scan: row 11 of the programme.

Each check asks by an index, in several ways, and by the table alone, and the
answers have to be the same.
"""

import threading
import time

import psycopg

from finding import Finding, expect
from gallery import FUNCTIONS
from scenario import Scenario
from server import Server
from world import BY_INDEX, BY_TABLE, WAYS

# Of each type: a column, a vector of a number, the metric, and its operator.
TYPES = {
    "vector": ("vector(16)", "gallery.numbers({0}, 16)::vector(16)", "l2", "<->"),
    "halfvec": ("halfvec(16)", "gallery.numbers({0}, 16)::halfvec(16)", "cosine", "<=>"),
    "int8vec": ("int8vec(16)", "gallery.whole({0}, 16, 120)::int8vec(16)", "l2", "<->"),
    "sparsevec": ("sparsevec(16)", "gallery.whole({0}, 16, 2)::int8vec::vector::sparsevec(16)",
                  "l2", "<->"),
    "bit": ("bit(64)", "gallery.bits({0}, 64)::bit(64)", "hamming", "<~>"),
}
METHODS = ["hnsw", "ivf", "ivfflat"]
ROWS = 300

# What the ways are told apart by; note has an index of its own, tag is a column
# of the vector's.
CONDITIONS = {
    "index": ["true", "tag = 3", "note % 3 > 0"],
    "exact": ["note < 150", "note IN (3, 5, 7, 90, 200) OR note > 250"],
    "search": ["note < 150", "note > 50 AND tag < 4"],
}
IN_PLAN = {"index": "Index Scan using t_v", "exact": "VecdbFilteredScan",
           "search": "VecdbFilteredScan"}


def ways():
    """Every way with every condition that it is for."""
    for way, settings in WAYS.items():
        for condition in CONDITIONS[way]:
            yield way, settings, condition


class Executor(Scenario):
    """Cursors, rescans, row locks, subtransactions and all else that the
    executor does get the same from an index as from the table."""

    name = "executor"
    small = 2

    def set_up(self):
        self.server = self.own(Server(self.folder / "a", {
            "max_parallel_workers_per_gather": "2", "jit": "off",
            # Whoever waits for ever is told.
            "statement_timeout": "120s"})).init()
        self.server.script("CREATE EXTENSION vecdb; CREATE SCHEMA gallery;" + FUNCTIONS + """
            CREATE FUNCTION memory(often int, number int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                IF number % often > 0 THEN
                    RETURN NULL;
                END IF;
                RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
            END $$;""")

    def some(self):
        """Every way, with one condition each."""
        for way, settings in WAYS.items():
            yield way, settings, self.chance.choice(CONDITIONS[way])

    # ---- tables, questions, answers ----

    def create(self):
        """The table t, its indexes, and o, with rows to search by."""
        kind, made, metric, self.operator = TYPES[self.type]
        with_ = "" if self.quantized or self.method == "ivfflat" else "WITH (quantizer = none)"
        self.server.script(f"""
            DROP TABLE IF EXISTS t, o, child CASCADE;
            DROP FUNCTION IF EXISTS made;
            CREATE FUNCTION made(seed int) RETURNS {kind} LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
                $$SELECT {made.format("seed")}$$;
            CREATE TABLE t (id int PRIMARY KEY, tag int, note int, v {kind});
            INSERT INTO t SELECT i, i % 7, i, made(i) FROM generate_series(1, {ROWS}) i;
            CREATE TABLE o (id int PRIMARY KEY, v {kind}, best int);
            INSERT INTO o SELECT i, made(i * 31 + 7) FROM generate_series(1, 20) i;
            CREATE INDEX t_v ON t USING {self.method} (v {self.type}_{metric}_ops, tag) {with_};
            CREATE INDEX t_note ON t (note);
            VACUUM ANALYZE t;""")

    def connect(self, settings):
        """A connection with these settings, which prepares nothing by itself."""
        connection = self.server.connect(prepare_threshold=None)
        for name, value in settings.items():
            connection.execute(f"SET {name} = {value}")
        return connection

    def distance(self, wanted, of="v"):
        return f"{of} {self.operator} {wanted}"

    def query(self, condition, wanted=77, columns="id", limit=None):
        distance = self.distance(f"made({wanted})")
        return (f"SELECT {columns}, {distance} AS d FROM t WHERE {condition}"
                f" ORDER BY {distance}" + (f" LIMIT {limit}" if limit else ""))

    def expect_plan(self, connection, way, query):
        plan = "\n".join(line for (line,) in connection.execute("EXPLAIN " + query).fetchall())
        expect(IN_PLAN[way] in plan, f"{way}: {query}: {plan}")

    def expect_same(self, got, right, what):
        """The same rows, in the order of their distances, if the index has
        them; ties may be in another."""
        def rounded(rows):
            return [row[-1] if row[-1] is None else round(row[-1], 4) for row in rows]
        context = f"{self.method}, {self.type}: {what}"
        expect(len(got) == len(right), f"{context}: {len(got)} rows, table {len(right)}")
        if self.quantized:
            return
        expect(rounded(got) == rounded(right), f"{context}: {got[:10]}, table {right[:10]}")

    def expect_all(self, got, right, what):
        """The same rows, in whatever order."""
        expect(sorted(map(str, got)) == sorted(map(str, right)),
               f"{self.method}, {self.type}: {what}: {len(got)} rows, {sorted(got)[:10]},"
               f" table {len(right)} rows, {sorted(right)[:10]}")

    def compare(self, connection, what, conditions=("true", "tag = 3", "note < 150")):
        """All rows, by the index and by the table, as this connection's
        transaction sees them."""
        for condition in conditions:
            found = {}
            for name, settings in ("index", WAYS["index"]), ("table", BY_TABLE):
                for setting in {**BY_INDEX, **BY_TABLE}:
                    connection.execute(f"RESET {setting}")
                for setting, value in settings.items():
                    connection.execute(f"SET {setting} = {value}")
                found[name] = connection.execute(self.query(condition)).fetchall()
            self.expect_all([row[0] for row in found["index"]],
                            [row[0] for row in found["table"]], f"{what}, {condition}")

    def by_table(self, query, *values):
        return self.server.rows(query, *values, settings=BY_TABLE)

    # ---- a step ----

    def step(self, number, chance):
        self.method = METHODS[number % len(METHODS)]
        self.type = list(TYPES)[(number + number // len(TYPES)) % len(TYPES)]
        self.quantized = chance.random() < 0.4
        # Where several rows are as far away, any of them may be the last.
        self.alone = self.type in ("vector", "halfvec") and not self.quantized
        self.rescans = 10000 if number % 5 == 4 else 1500
        self.chance = chance
        self.create()
        checks = [name for name in dir(self) if name.startswith("check_")]
        chance.shuffle(checks)
        for name in checks:
            getattr(self, name)()
            with self.connect({}) as connection:
                self.compare(connection, f"after {name}")
            self.server.check_log()
        problems = self.server.rows("SELECT * FROM vecdb_index_check('t_v', true)")
        expect(not problems, f"vecdb_index_check: {problems}")
        return {"checks": len(checks), f"checks of {self.method}": len(checks),
                f"checks of {self.type}": len(checks)}

    # ---- cursors ----

    def check_ways(self):
        """Each way is taken, and finds what the table has."""
        for way, settings, condition in ways():
            with self.connect(settings) as connection:
                for limit in 1, 10, None:
                    query = self.query(condition, limit=limit)
                    self.expect_plan(connection, way, query)
                    self.expect_same(connection.execute(query).fetchall(), self.by_table(query),
                                     f"{way}, {condition}, limit {limit}")

    def check_scroll(self):
        """A SCROLL cursor goes to and fro over the same rows."""
        for _, settings, condition in ways():
            with self.connect(settings) as connection:
                connection.execute("BEGIN")
                connection.execute("DECLARE c SCROLL CURSOR FOR " + self.query(condition))
                rows = []
                for _ in range(5):
                    rows += connection.execute("FETCH 3 FROM c").fetchall()
                back = connection.execute("FETCH BACKWARD 7 FROM c").fetchall()
                expect(back == rows[-2:-9:-1], f"backwards: {back}, {rows}")
                connection.execute("MOVE ABSOLUTE 0 IN c")
                all_rows = connection.execute("FETCH ALL FROM c").fetchall()
                expect(all_rows[:len(rows)] == rows, f"again: {all_rows[:15]}, {rows}")
                self.expect_same(all_rows, self.by_table(self.query(condition)),
                                 f"scroll, {condition}")
                for _ in range(10):
                    place = self.chance.randint(-len(all_rows), len(all_rows))
                    got = connection.execute(f"FETCH ABSOLUTE {place} FROM c").fetchall()
                    right = [all_rows[place - 1 if place > 0 else place]] if place else []
                    expect(got == right, f"absolute {place}: {got}, {right}")
                expect(connection.execute("FETCH LAST FROM c").fetchall() == all_rows[-1:], "last")
                connection.execute("ROLLBACK")

    def check_no_scroll(self):
        """A NO SCROLL cursor says that it cannot go back, and does no harm."""
        with self.connect(WAYS["index"]) as connection:
            connection.execute("BEGIN")
            connection.execute("DECLARE c NO SCROLL CURSOR FOR " + self.query("true"))
            connection.execute("FETCH 5 FROM c")
            self.expect_error(connection, "FETCH BACKWARD 2 FROM c", "55000")
            connection.execute("ROLLBACK")

    def check_hold(self):
        """What a WITH HOLD cursor has left does not change after COMMIT,
        whatever becomes of the table."""
        for _, settings, condition in self.some():
            right = self.by_table(self.query(condition))
            with self.connect(settings) as connection:
                connection.execute("BEGIN")
                connection.execute("DECLARE c CURSOR WITH HOLD FOR " + self.query(condition))
                rows = connection.execute("FETCH 4 FROM c").fetchall()
                connection.execute("COMMIT")
                self.server.script("BEGIN; DELETE FROM t WHERE id % 2 = 0; COMMIT;"
                                   " REINDEX INDEX t_v; VACUUM t;")
                rows += connection.execute("FETCH ALL FROM c").fetchall()
                self.expect_same(rows, right, f"WITH HOLD, {condition}")
                connection.execute("CLOSE c")
            self.refill()

    def refill(self):
        """The rows as they were made."""
        self.server.script("DELETE FROM t; INSERT INTO t SELECT i, i % 7, i, made(i)"
                           f" FROM generate_series(1, {ROWS}) i; VACUUM t;")

    def check_current_of(self):
        """UPDATE and DELETE WHERE CURRENT OF change the row that was fetched."""
        for way, settings, condition in ways():
            for lock in "", " FOR UPDATE":
                with self.connect(settings) as connection:
                    connection.execute("BEGIN")
                    connection.execute("DECLARE c CURSOR FOR " + self.query(condition) + lock)
                    connection.execute("MOVE 3 IN c")
                    for verb in "UPDATE t SET note = -1", "DELETE FROM t":
                        row = connection.execute("FETCH c").fetchall()[0][0]
                        changed = connection.execute(
                            f"{verb} WHERE CURRENT OF c RETURNING id").fetchall()
                        expect(changed == [(row,)], f"{way}, {condition}: {verb} WHERE CURRENT"
                               f" OF: {changed}, row {row}")
                    rest = connection.execute("FETCH ALL FROM c").fetchall()
                    connection.execute("ROLLBACK")
                    expect(len(rest) == len(self.by_table(self.query(condition))) - 5,
                           f"{way}, {condition}: {len(rest)} rows after five")

    def check_system_columns(self):
        """ctid, tableoid and whole rows are the row's own."""
        for _, settings, condition in ways():
            with self.connect(settings) as connection:
                wrong = connection.execute(
                    "SELECT x.id FROM (" + self.query(
                        condition, columns="id, ctid AS c, tableoid AS o, t AS whole")
                    + " OFFSET 0) x JOIN LATERAL (SELECT * FROM t u WHERE u.id = x.id OFFSET 0) u"
                    " ON true WHERE x.o <> 't'::regclass OR (x.whole).id <> u.id"
                    " OR NOT EXISTS (SELECT FROM t w WHERE w.ctid = x.c AND w.id = x.id)"
                ).fetchall()
                expect(not wrong, f"ctid, {condition}: {wrong[:5]}")

    # ---- rescans ----

    def check_rescan(self):
        """Thousands of rescans in a nested loop need no more memory than a few."""
        rescans = self.rescans
        for way, settings, condition in self.some():
            distance = self.distance("a.many[1 + g % 200]")
            query = (f"SELECT memory({rescans // 5}, g), x.id, g FROM"
                     " (SELECT array_agg(made(i)) AS many FROM generate_series(1, 200) i) a"
                     f" CROSS JOIN generate_series(1, {rescans}) g"
                     f" CROSS JOIN LATERAL (SELECT id FROM t WHERE {condition} AND id <> g"
                     f" ORDER BY {distance} LIMIT 2) x")
            if way != "index":
                # The bitmap is made anew each time.
                query = query.replace(condition, f"({condition}) AND note > g % 7")
            with self.connect({**settings, "statement_timeout": "0",
                               "enable_memoize": "off", "hnsw.ef_search": "20",
                               "ivf.probes": "2", "ivfflat.probes": "2",
                               "max_parallel_workers_per_gather": "0"}) as connection:
                self.expect_plan(connection, way, query)
                sizes = [row[0] for row in connection.execute(query).fetchall()]
            count, sizes = len(sizes), [size for size in sizes if size]
            expect(count == 2 * rescans, f"{way}, {condition}: {count} rows")
            expect(sizes[-1] <= sizes[0] + 64 * 1024,
                   f"{way}, {condition}: {rescans} rescans: memory {sizes}")

    def check_lateral(self):
        """A search for each row of another table finds what it finds alone."""
        for way, settings, condition in ways():
            inner = (f"SELECT t.id, {self.distance('o.v', 't.v')} AS d FROM t WHERE {condition}"
                     f" AND t.id <> o.id ORDER BY {self.distance('o.v', 't.v')} LIMIT 3")
            query = f"SELECT o.id, x.id, x.d FROM o CROSS JOIN LATERAL ({inner}) x ORDER BY o.id, x.d"
            with self.connect(settings) as connection:
                self.expect_plan(connection, way, query)
                self.expect_same(connection.execute(query).fetchall(), self.by_table(query),
                                 f"LATERAL, {way}, {condition}")

    # ---- errors ----

    def expect_error(self, connection, statement, state):
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            expect(error.sqlstate == state, f"{statement}: {error.sqlstate}: {error}")
            return
        raise Finding(f"{statement}: no error")

    def check_errors_inside(self):
        """An error within a scan leaves nothing behind, in plpgsql and out of
        it."""
        for way, settings, condition in self.some():
            query = self.query(condition)
            right = len(self.by_table(query))
            with self.connect(settings) as connection:
                self.expect_error(connection, "SELECT 1 / (x.id - x.id) FROM ("
                                  + self.query(condition, limit=5) + " OFFSET 0) x", "22012")
                connection.execute(f"""
                    DO $$
                    DECLARE r record; rows int := 0; failed int := 0;
                    BEGIN
                        FOR r IN {query} LOOP
                            rows := rows + 1;
                            BEGIN
                                PERFORM 1 / (r.id % 3);
                                UPDATE t SET note = note WHERE id = r.id AND r.id % 2 = 0;
                                PERFORM count(*) FROM ({self.query(condition, 5, limit=3)}) x;
                                IF r.id % 5 = 0 THEN RAISE EXCEPTION 'mine'; END IF;
                            EXCEPTION WHEN OTHERS THEN failed := failed + 1;
                            END;
                        END LOOP;
                        IF rows <> {right} OR failed < rows / 8 THEN
                            RAISE EXCEPTION 'rows %, failed %', rows, failed;
                        END IF;
                    END $$""")
                # A portal that is open when its transaction fails.
                connection.execute("BEGIN")
                connection.execute("DECLARE c CURSOR FOR " + query)
                connection.execute("FETCH 3 FROM c")
                connection.execute("SAVEPOINT s")
                connection.execute("DECLARE d CURSOR FOR " + query)
                connection.execute("FETCH 3 FROM d")
                self.expect_error(connection, "SELECT 1 / 0", "22012")
                connection.execute("ROLLBACK TO s")
                rest = connection.execute("FETCH ALL FROM c").fetchall()
                expect(len(rest) == right - 3, f"{condition}: {len(rest)} of {right - 3} left")
                self.expect_error(connection, "SELECT 1 / 0", "22012")
                connection.execute("ROLLBACK")
                # And one whose client goes away.
                connection.execute("BEGIN")
                connection.execute("DECLARE c CURSOR FOR " + query)
                connection.execute("FETCH 3 FROM c")

    def check_fetch_in_subtransaction(self):
        """A cursor that is read on in a subtransaction that is undone goes on
        where it was read to."""
        for _, settings, condition in ways():
            with self.connect(settings) as connection:
                connection.execute("BEGIN")
                connection.execute("DECLARE c CURSOR FOR " + self.query(condition))
                rows = connection.execute("FETCH 2 FROM c").fetchall()
                for _ in range(3):
                    connection.execute("SAVEPOINT s")
                    connection.execute("UPDATE t SET note = note + 1 WHERE id % 3 = 0")
                    rows += connection.execute("FETCH 5 FROM c").fetchall()
                    connection.execute("ROLLBACK TO s")
                rows += connection.execute("FETCH ALL FROM c").fetchall()
                connection.execute("ROLLBACK")
            self.expect_same(rows, self.by_table(self.query(condition)), f"subtransactions, {condition}")

    # ---- parameters ----

    def check_parameters(self):
        """Generic plans, with NULL, with the wrong dimensions, with types that
        change, and after the table has changed."""
        kind = TYPES[self.type][0].split("(")[0]
        for _, settings, condition in self.some():
            with self.connect({**settings, "plan_cache_mode": "force_generic_plan"}) as connection:
                distance = self.distance("$1")
                connection.execute(
                    f"PREPARE p ({kind}, int) AS SELECT id, {distance} AS d FROM t"
                    f" WHERE {condition} ORDER BY {distance} LIMIT $2")
                for _ in range(7):
                    wanted = self.chance.randint(1, 1000)
                    limit = self.chance.choice(["1", "5", "1000", "NULL"])
                    got = connection.execute(f"EXECUTE p (made({wanted}), {limit})").fetchall()
                    right = self.by_table(self.query(
                        condition, wanted, limit=None if limit == "NULL" else limit))
                    self.expect_same(got, right, f"generic plan, {condition}")
                nulls = connection.execute("EXECUTE p (NULL, 1000)").fetchall()
                right = self.by_table(f"SELECT id, NULL AS d FROM t WHERE {condition}")
                self.expect_all(nulls, right, f"NULL, {condition}")
                wrong = "B'101'" if kind == "bit" else f"subvector(made(1)::vector, 1, 3)::{kind}" \
                    if kind in ("vector", "halfvec") else f"'[1,2,3]'::vector::{kind}"
                self.expect_error(connection, f"EXECUTE p ({wrong}, 3)", "22000")
                connection.execute("ALTER TABLE t ADD gone int; ALTER TABLE t DROP gone;")
                got = connection.execute("EXECUTE p (made(3), 10)").fetchall()
                self.expect_same(got, self.by_table(self.query(condition, 3, limit=10)),
                                 f"planned anew, {condition}")
                connection.execute("DISCARD PLANS")
                connection.execute("EXECUTE p (made(3), 10)")
        if kind == "bit":
            return
        with self.connect(WAYS["index"]) as connection:
            # A query's vector of one type after the other, cast to the column's.
            for other in "vector", "halfvec", "text", "vector", "text":
                got = connection.execute(
                    f"SELECT id, {self.distance('%s::' + kind)} AS d FROM t"
                    f" ORDER BY {self.distance('%s::' + kind)} LIMIT 5",
                    [self.text_of(9)] * 2).fetchall()
                self.expect_same(got, self.by_table(self.query("true", 9, limit=5)), other)

    def text_of(self, number):
        return self.server.value(f"SELECT made({number})::text")

    # ---- one's own changes ----

    def check_own_writes(self):
        """A transaction's searches see what it wrote, and not what it undid;
        those of others do not."""
        with self.connect({}) as connection, self.connect({}) as other:
            connection.execute("BEGIN")
            changes = [
                "INSERT INTO t SELECT i, 3, i % 200, made(i) FROM generate_series(1001, 1050) i",
                "UPDATE t SET v = made(77) WHERE id % 20 = 1",
                "DELETE FROM t WHERE id % 10 = 2",
                "INSERT INTO t SELECT i, 1, 5, NULL FROM generate_series(1101, 1110) i",
                "UPDATE t SET v = NULL, tag = 3 WHERE id % 25 = 3",
                "UPDATE t SET tag = 3 WHERE id % 4 = 0",
            ]
            before = sorted(other.execute("SELECT id FROM t").fetchall())
            for number, change in enumerate(changes):
                connection.execute(f"SAVEPOINT s{number}")
                connection.execute(change)
                self.compare(connection, f"own: {change}")
                if number % 2:
                    connection.execute(f"ROLLBACK TO s{number}")
                    self.compare(connection, f"undone: {change}")
                self.compare(other, f"of others: {change}")
            connection.execute("RESET ALL")
            expect(sorted(other.execute("SELECT id FROM t").fetchall()) == before, "others")
            connection.execute("ROLLBACK TO s0")
            self.compare(connection, "all undone")
            connection.execute("ROLLBACK")

    def check_new_in_transaction(self):
        """Tables and indexes that are made, emptied or dropped in a
        transaction that goes on, and is undone."""
        metric = TYPES[self.type][2]
        with self.connect({}) as connection:
            connection.execute("BEGIN")
            connection.execute("SAVEPOINT a")
            connection.execute("TRUNCATE t")
            self.compare(connection, "emptied")
            connection.execute("INSERT INTO t SELECT i, i % 7, i, made(i) FROM generate_series(1, 40) i")
            self.compare(connection, "filled again")
            connection.execute("ROLLBACK TO a")
            self.compare(connection, "not emptied")
            connection.execute("REINDEX INDEX t_v")
            self.compare(connection, "made anew")
            connection.execute("INSERT INTO t SELECT i, 3, i, made(i) FROM generate_series(2001, 2020) i")
            self.compare(connection, "and filled")
            connection.execute("ROLLBACK TO a")
            connection.execute("ALTER TABLE t ALTER v TYPE " + TYPES[self.type][0]
                               + " USING CASE WHEN id % 3 > 0 THEN v END")
            self.compare(connection, "written anew")
            connection.execute("ROLLBACK TO a")
            connection.execute(
                "DROP INDEX t_v; UPDATE t SET note = note WHERE id % 2 = 0;"
                f" CREATE INDEX t_v ON t USING {self.method} (v {self.type}_{metric}_ops, tag)")
            # (With rows whose older versions others may see, it is not used at once.)
            connection.execute("ROLLBACK TO a")
            self.compare(connection, "all undone")
            connection.execute("ROLLBACK")

    def check_change_below(self):
        """A scan that is open does not see what its transaction changes."""
        for _, settings, condition in self.some():
            for change in ("INSERT INTO t SELECT 5000 + i, 3, i, made(77) FROM generate_series(1, 20) i",
                           "UPDATE t SET v = made(id + 9)", "DELETE FROM t", "UPDATE t SET note = -note"):
                with self.connect(settings) as connection:
                    connection.execute("BEGIN")
                    connection.execute("DECLARE c CURSOR FOR " + self.query(condition))
                    rows = connection.execute("FETCH 3 FROM c").fetchall()
                    connection.execute(change)
                    rows += connection.execute("FETCH 3 FROM c").fetchall()
                    connection.execute("SAVEPOINT s")
                    self.expect_error(connection, "TRUNCATE t", "55006")
                    connection.execute("ROLLBACK TO s")
                    self.expect_error(connection, "DROP INDEX t_v", "55006")
                    connection.execute("ROLLBACK TO s")
                    self.expect_error(connection, "REINDEX INDEX t_v", "55006")
                    connection.execute("ROLLBACK TO s")
                    rows += connection.execute("FETCH ALL FROM c").fetchall()
                    connection.execute("ROLLBACK")
                self.expect_same(rows, self.by_table(self.query(condition)),
                                 f"{condition}, while: {change}")
        self.server.script("VACUUM t;")

    def check_old_snapshot(self):
        """A snapshot finds its rows however much has changed since."""
        with self.connect({}) as old:
            old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            right = sorted(old.execute("SELECT id, note FROM t").fetchall())
            for change in ("UPDATE t SET v = made(id + 5), tag = tag + 1", "VACUUM t",
                           "DELETE FROM t WHERE id % 2 = 0", "VACUUM t",
                           "INSERT INTO t SELECT i, 1, i, made(i) FROM generate_series(6001, 6200) i"):
                self.server.script(change + ";")
                self.compare(old, f"snapshot from before: {change}")
            for setting in BY_INDEX:
                old.execute(f"SET {setting} = {BY_INDEX[setting]}")
            got = sorted(old.execute("SELECT id, note FROM t ORDER BY "
                                     + self.distance("made(1)")).fetchall())
            expect(got == right, f"an old snapshot has {len(got)} rows, not {len(right)}")
            old.execute("COMMIT")
        self.refill()

    def check_prepared_transactions(self):
        """What was prepared is there after a crash, when it is committed, and
        not before."""
        self.server.script("""
            BEGIN; INSERT INTO t SELECT i, 3, i, made(i) FROM generate_series(7001, 7100) i;
            UPDATE t SET v = made(id + 3) WHERE id % 9 = 0; DELETE FROM t WHERE id % 9 = 1;
            PREPARE TRANSACTION 'first';
            BEGIN; INSERT INTO t SELECT i, 3, i, made(i) FROM generate_series(7201, 7300) i;
            UPDATE t SET v = made(77) WHERE id % 9 = 2; DELETE FROM t WHERE id % 9 = 3;
            PREPARE TRANSACTION 'second';""")
        for way in "before", "after":
            problems = self.server.rows("SELECT * FROM vecdb_index_check('t_v')")
            expect(not problems, f"prepared, {way} a crash: {problems}")
            with self.connect({}) as connection:
                self.compare(connection, f"prepared, {way} a crash")
            self.server.script("VACUUM t;")
            if way == "before":
                self.server.kill()
                self.server.start()
        self.server.script("COMMIT PREPARED 'first'; ROLLBACK PREPARED 'second';")
        with self.connect({}) as connection:
            self.compare(connection, "committed")
        there = self.server.value("SELECT count(*) FROM t WHERE id BETWEEN 7001 AND 7300")
        expect(there == sum(i % 9 != 1 for i in range(7001, 7101)), f"prepared, and there: {there}")
        self.server.script("VACUUM t;")
        problems = self.server.rows("SELECT * FROM vecdb_index_check('t_v', true)")
        expect(not problems, f"committed: {problems}")
        self.refill()

    # ---- statements that change what they find ----

    def check_statements(self):
        """MERGE, UPDATE, DELETE and INSERT with a search in them do what they
        do by the table."""
        for way, settings, condition in self.some():
            inner = self.query(condition, limit=7)
            distance = self.distance("o.v", "t.v")
            each = f"SELECT id FROM t WHERE {condition} ORDER BY {distance} LIMIT 1"
            statements = [
                f"UPDATE t SET note = 1000 FROM ({inner}) x WHERE t.id = x.id RETURNING t.id",
                f"DELETE FROM t USING ({inner}) x WHERE t.id = x.id RETURNING t.id",
                f"DELETE FROM t WHERE id IN (SELECT id FROM ({inner} FOR UPDATE) x) RETURNING id",
                f"INSERT INTO t SELECT 8000 + id, tag, note FROM ("
                f"{self.query(condition, limit=7, columns='*')}) x RETURNING id",
                f"UPDATE o SET best = ({each}) RETURNING id, best",
                f"WITH x AS (DELETE FROM t WHERE id = ANY (ARRAY(SELECT id FROM ({inner}) y)) RETURNING *)"
                " SELECT count(*), sum(id) FROM x",
                f"INSERT INTO t SELECT id, 1 FROM ({inner}) x ON CONFLICT (id) DO UPDATE SET tag ="
                " excluded.tag + 5 RETURNING t.id, t.tag",
            ]
            merge = (f"MERGE INTO t USING ({inner}) x ON t.id = x.id"
                     " WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET note = 2000")
            for statement in [*statements, merge]:
                found = {}
                for name, how in ("index", settings), ("table", BY_TABLE):
                    with self.connect(how) as connection:
                        connection.execute("BEGIN")
                        cursor = connection.execute(statement)
                        rows = cursor.fetchall() if cursor.description else []
                        rows += connection.execute("SELECT id, tag, note FROM t").fetchall()
                        connection.execute("ROLLBACK")
                        found[name] = rows
                if self.alone:
                    self.expect_all(found["index"], found["table"], statement)
                elif statement != merge:
                    expect(len(found["index"]) == len(found["table"]), f"{statement}: rows")

    def check_queries(self):
        """Searches in all places where a query may have one."""
        for way, settings, condition in self.some():
            inner = self.query(condition, limit=6)
            distance = self.distance("o.v", "t.v")
            queries = [
                f"SELECT d FROM ({inner}) x, generate_series(1, 2) ORDER BY d",
                f"SELECT generate_series(1, 2), d FROM ({inner}) x",
                f"SELECT count(*), max(d) FROM ({inner}) x",
                f"SELECT o.id, (SELECT {distance} FROM t WHERE {condition} ORDER BY {distance} LIMIT 1)"
                " FROM o ORDER BY o.id",
                f"SELECT o.id, 1 FROM o WHERE EXISTS (SELECT FROM ({inner}) x WHERE x.id % 20 = o.id)"
                " AND false",
                f"SELECT cardinality(ARRAY(SELECT id FROM ({inner}) x))",
                f"SELECT * FROM ({inner}) x UNION ALL (SELECT * FROM ({inner}) x)",
                f"{self.query(condition)} FETCH FIRST 5 ROWS WITH TIES",
                f"{self.query(condition)} LIMIT ALL OFFSET 4",
                f"{self.query(condition)} LIMIT 0",
                f"SELECT row_number() OVER (ORDER BY {self.distance('made(5)')}), {self.distance('made(5)')}"
                f" FROM t WHERE {condition} LIMIT 5",
                "WITH RECURSIVE r (step, v, d) AS (SELECT 1, made(5), 0::float8 UNION ALL"
                " SELECT step + 1, x.v, x.d FROM r CROSS JOIN LATERAL (SELECT t.v,"
                f" {self.distance('r.v', 't.v')} AS d FROM t WHERE {condition} ORDER BY"
                f" {self.distance('r.v', 't.v')} LIMIT 1 OFFSET 2) x WHERE step < 6)"
                " SELECT step, d FROM r WHERE step < 2 ORDER BY step",
            ]
            for query in queries:
                with self.connect(settings) as connection:
                    got = connection.execute(query).fetchall()
                self.expect_same(got, self.by_table(query), f"{way}: {query}")

    def check_parallel(self):
        """The same in parallel workers."""
        old = int(self.server.value("SHOW server_version_num")) < 160000
        forced = "force_parallel_mode" if old else "debug_parallel_query"
        for _, settings, condition in ways():
            with self.connect({**settings, forced: "on", "parallel_setup_cost": "0",
                               "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0",
                               "min_parallel_index_scan_size": "0",
                               "parallel_leader_participation":
                               self.chance.choice(["on", "off"])}) as connection:
                query = self.query(condition)
                plan = str(connection.execute("EXPLAIN " + query).fetchall())
                expect("Gather" in plan, f"not parallel: {plan}")
                self.expect_same(connection.execute(query).fetchall(), self.by_table(query),
                                 f"parallel, {condition}")
                each = (f"SELECT o.id, x.d FROM o CROSS JOIN LATERAL (SELECT {self.distance('o.v', 't.v')}"
                        f" AS d FROM t WHERE {condition} ORDER BY {self.distance('o.v', 't.v')}"
                        " LIMIT 2) x ORDER BY o.id, x.d")
                self.expect_same(connection.execute(each).fetchall(), self.by_table(each),
                                 f"parallel, LATERAL, {condition}")

    # ---- others ----

    def while_locked(self, first, second, settings, level, statement):
        """What a statement answers that waits for another transaction's
        change: rows, or an SQL state."""
        answer = []

        def ask():
            try:
                with self.connect(settings) as connection:
                    pids.append(connection.info.backend_pid)
                    connection.execute(f"BEGIN ISOLATION LEVEL {level}")
                    connection.execute("SELECT 1 FROM t LIMIT 1")
                    ready.set()
                    answer.append(connection.execute(statement).fetchall())
                    connection.execute("ROLLBACK")
            except psycopg.Error as error:
                answer.append(error.sqlstate)

        pids, ready = [], threading.Event()
        with self.connect(BY_TABLE) as other:
            other.execute("BEGIN")
            other.execute(first)
            thread = threading.Thread(target=ask)
            thread.start()
            ready.wait(60)
            deadline = time.monotonic() + 60
            while not answer and not self.server.rows(
                    "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", pids[0]):
                expect(time.monotonic() < deadline, f"{statement} does not wait: {first}")
                time.sleep(0.01)
            other.execute("COMMIT")
            thread.join(60)
        expect(not thread.is_alive() and answer, f"no answer: {statement}")
        self.server.script(second)
        return answer[0]

    def check_row_locks(self):
        """Rows that others have changed meanwhile are looked at anew, as by a
        scan of the table: EvalPlanQual."""
        way, settings, condition = self.chance.choice(
            [each for each in ways() if each[2] in ("tag = 3", "note < 150", "note % 3 > 0")])
        nearest = self.by_table(self.query(condition, limit=3))
        victim = nearest[0][0]
        changes = [
            f"UPDATE t SET note = -1, tag = 99 WHERE id = {victim}",
            f"UPDATE t SET note = note + 1000 WHERE id = {victim}",
            f"UPDATE t SET v = made(1) WHERE id = {victim}",
            f"DELETE FROM t WHERE id = {victim}",
        ]
        columns = f"id, note, tag, {self.distance('made(77)')} < 1e-3"
        statements = [
            self.query(condition, limit=2, columns=columns) + " FOR UPDATE",
            f"SELECT id FROM t WHERE {condition} AND id = {victim} ORDER BY {self.distance('made(77)')}"
            " FOR UPDATE",
            self.query(condition, limit=2, columns="t.id, o.id", wanted=77).replace(
                "FROM t WHERE", "FROM t JOIN o ON o.id = 1 WHERE") .replace(" v ", " t.v ")
            .replace(", v ", ", t.v ") + " FOR UPDATE OF t",
            f"UPDATE t SET note = 5000 WHERE id IN (SELECT id FROM ({self.query(condition, limit=2)}"
            " FOR UPDATE) x) RETURNING id",
        ]
        undo = f"DELETE FROM t WHERE id = {victim}; INSERT INTO t VALUES ({victim}, {victim} % 7," \
               f" {victim}, made({victim}));"
        for change in changes:
            statement = self.chance.choice(statements)
            for level in "READ COMMITTED", "REPEATABLE READ":
                got, right = [self.while_locked(change, undo, how, level, statement)
                              for how in (settings, BY_TABLE)]
                if statement.startswith("UPDATE") and level == "READ COMMITTED":
                    got, right = sorted(got), sorted(right)
                if level == "REPEATABLE READ" or self.alone:
                    expect(str(got) == str(right), f"{way}, {level}: {statement}, while: {change}:"
                           f" {got}, by the table {right}")
        # A search that is done anew because the row that it is for was changed.
        each = (f"SELECT t.id FROM t WHERE {condition} ORDER BY {self.distance('o.v', 't.v')} LIMIT 1")
        got, right = [self.while_locked(
            "UPDATE o SET v = made(5) WHERE id = 1", "UPDATE o SET v = made(38) WHERE id = 1", how,
            "READ COMMITTED", f"UPDATE o SET best = ({each}) WHERE id = 1 RETURNING best")
                      for how in (settings, BY_TABLE)]
        if self.alone:
            expect(got == right, f"{way}: searched anew: {got}, by the table {right}")

    def check_serializable(self):
        """Two transactions of which each reads what the other writes cannot
        both commit."""
        for way, settings, condition in ways():
            outcome = []
            with self.connect(settings) as one, self.connect(settings) as two:
                try:
                    for connection in one, two:
                        connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
                        connection.execute(self.query(condition, limit=3)).fetchall()
                    for number, connection in enumerate((one, two)):
                        connection.execute(f"INSERT INTO t VALUES ({9000 + number}, 3, 7, made(77))")
                    one.execute("COMMIT")
                    two.execute("COMMIT")
                except psycopg.Error as error:
                    outcome.append(error.sqlstate)
            expect(outcome == ["40001"], f"{way}, {condition}: serializable: {outcome}")
            self.server.script("DELETE FROM t WHERE id >= 9000;")

    def check_index_changes(self):
        """An index that is dropped, or made anew, by others beside scans of
        it."""
        metric = TYPES[self.type][2]
        condition = "true"
        right = self.by_table(self.query(condition))
        with self.connect({**WAYS["index"], "plan_cache_mode": "force_generic_plan"}) as connection:
            connection.execute("PREPARE p AS " + self.query(condition))
            self.expect_same(connection.execute("EXECUTE p").fetchall(), right, "prepared")
            for change in ("REINDEX INDEX t_v", "REINDEX INDEX CONCURRENTLY t_v", "VACUUM FULL t",
                           "ALTER INDEX t_v RENAME TO t_v_old; ALTER INDEX t_v_old RENAME TO t_v"):
                self.server.script(change + ";")
                self.expect_same(connection.execute("EXECUTE p").fetchall(), right, change)
            for change in ("REINDEX INDEX CONCURRENTLY t_v", "DROP INDEX t_v",
                           "DROP INDEX CONCURRENTLY t_v", "REINDEX INDEX t_v"):
                connection.execute("BEGIN")
                connection.execute("DECLARE c CURSOR FOR " + self.query(condition))
                rows = connection.execute("FETCH 5 FROM c").fetchall()
                thread = threading.Thread(target=self.server.script, args=(change + ";",))
                thread.start()
                time.sleep(0.2)
                rows += connection.execute("FETCH ALL FROM c").fetchall()
                self.expect_same(rows, right, f"while: {change}")
                self.expect_same(connection.execute("EXECUTE p").fetchall(), right, f"and then: {change}")
                connection.execute("COMMIT")
                thread.join(60)
                expect(not thread.is_alive(), f"{change} does not end")
                self.expect_same(connection.execute("EXECUTE p").fetchall(), right, f"after {change}")
                if "DROP" in change:
                    connection.execute(f"CREATE INDEX t_v ON t USING {self.method}"
                                       f" (v {self.type}_{metric}_ops, tag)"
                                       + ("" if self.quantized or self.method == "ivfflat"
                                          else " WITH (quantizer = none)"))
