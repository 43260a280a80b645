"""Row security: row 16 of the programme."""

import json

import psycopg

from finding import expect
from gallery import FUNCTIONS
from scenario import Scenario
from server import Server
from world import BITMAP, BY_TABLE, WAYS

ROWS = 400
QUERIES = 60

ASKED = {
    **WAYS,
    # As everybody has it: no search of everything.
    "usual": BITMAP,
    "planner": {},
    "table": BY_TABLE,
}

# What a row of docs has to have for somebody to see it.
POLICIES = [
    "tenant = current_setting('app.tenant')::int",
    "tenant IN (SELECT tenant FROM members WHERE member = current_user)",
    "EXISTS (SELECT FROM members m WHERE m.member = current_user AND m.tenant = docs.tenant"
    " AND m.level >= docs.level)",
    "level <= 2",
    "tags && ARRAY[1, 2]",
    "price < 20",
    "careful(tenant)",
    "owner = current_user",
    "v IS NULL OR v <-> made(5) < 4.6",
    "tenant < 5 AND id % 3 > 0",
    "tenant = 3",
]

# What else is asked for; {q} is a vector, {r} a number.
CONDITIONS = [
    "true", "tenant = {n}", "tenant IN (1, 3, 5)", "level < {n}", "tags @> ARRAY[{n}]",
    "tags && ARRAY[{n}, 2]", "price > {n}", "price BETWEEN 3 AND 30", "note < 150",
    "note > {n} AND note < 300", "owner = 'alice'", "owner LIKE 'a%'", "v <-> {q} < {r}",
    "1 / (v <-> {q}) < {r}", "id % 2 = 0", "note IN (1, 2, 3, 50, 60, 70, 200)",
    "tenant = {n} AND tags && ARRAY[2]", "(tenant = 2 OR note < 50)", "v IS NOT NULL",
    "NOT (level = {n})", "1 / (v <-> {q}) > 0.2",
]
# By functions that tell of every row that they are shown.
PEEKS = ["peek(id)", "peek(docs.*)", "id <<< 0", "NOT hide(id)", "peek(id) AND note < 200",
         "CASE WHEN peek(id) THEN note < 300 END"]

ROLES = ["alice", "bob", "owner"]


class RowSecurity(Scenario):
    """Nobody gets, or has a function of their own shown, a row that a policy
    hides, whatever they search for; and a LIMIT is filled while there are rows
    to be seen."""

    name = "rowsecurity"
    small = 5

    def set_up(self):
        self.server = self.own(Server(self.folder / "a", {
            "jit": "off", "statement_timeout": "120s"})).init()
        self.server.script("""
            CREATE EXTENSION vecdb; CREATE SCHEMA gallery;
            CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE owner;
            GRANT USAGE ON SCHEMA gallery TO PUBLIC;
            GRANT CREATE ON SCHEMA public TO owner;
            """ + FUNCTIONS + """
            CREATE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
                $$SELECT gallery.numbers(seed, 16)::public.vector$$;
            CREATE TABLE seen (member name, id int, PRIMARY KEY (member, id));
            -- Whether it is hidden from whoever asks, who may not look into seen.
            CREATE FUNCTION hidden(member name, wanted int) RETURNS boolean LANGUAGE sql
                SECURITY DEFINER AS $$SELECT NOT EXISTS
                    (SELECT FROM public.seen s WHERE s.member = hidden.member AND s.id = wanted)$$;
            CREATE FUNCTION peek(wanted int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
            BEGIN
                IF hidden(current_user, wanted) THEN RAISE EXCEPTION 'peeked at row %', wanted; END IF;
                RETURN true;
            END $$;
            CREATE FUNCTION hide(wanted int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
                BEGIN RETURN NOT peek(wanted); END $$;
            CREATE FUNCTION peek_operator(wanted int, int) RETURNS boolean LANGUAGE plpgsql
                COST 0.0001 AS $$ BEGIN RETURN peek(wanted); END $$;
            CREATE OPERATOR <<< (LEFTARG = int, RIGHTARG = int, FUNCTION = peek_operator);
            CREATE FUNCTION careful(tenant int) RETURNS boolean LANGUAGE plpgsql STABLE COST 10000 AS
                $$ BEGIN RETURN tenant % 2 = 0; END $$;""")

    # ---- a world ----

    def create(self, chance):
        method = chance.choice(["hnsw", "ivf", "ivfflat"])
        self.exact = method == "ivfflat" or chance.random() < 0.7
        with_ = "WITH (quantizer = none)" if self.exact and method != "ivfflat" else ""
        columns = chance.sample(["tenant", "level", "tags", "price", "owner"], chance.randint(0, 3))
        self.visible = chance.sample(POLICIES, chance.choice([1, 1, 1, 2]))
        restrictive = chance.choice([None, None, "id % 5 > 0", "tenant <> 6", "careful(level)"])
        self.server.script(f"""
            DROP TABLE IF EXISTS docs, members CASCADE;
            CREATE TABLE members (member name, tenant int, level int);
            INSERT INTO members VALUES ('alice', 1, 2), ('alice', 3, 9), ('bob', 2, 9), ('bob', 3, 1),
                ('owner', 4, 2), ('owner', 5, 0);
            CREATE TABLE docs (id int PRIMARY KEY, tenant int, level int, note int, tags int[],
                price numeric, owner name, v vector(16));
            INSERT INTO docs SELECT i, i % 7, i % 4, i, ARRAY[i % 5, i % 11], i / 8.0,
                (ARRAY['alice', 'bob', 'owner', 'carol'])[1 + i % 4],
                CASE WHEN i % 61 = 0 THEN NULL WHEN i % 29 = 0 THEN made(1) ELSE made(i) END
                FROM generate_series(1, {ROWS}) i;
            CREATE INDEX docs_v ON docs USING {method} ({", ".join(["v vector_l2_ops", *columns])}) {with_};
            CREATE INDEX docs_note ON docs (note);
            CREATE INDEX docs_tenant ON docs (tenant);
            CREATE INDEX docs_tags ON docs USING gin (tags);
            CREATE FUNCTION peek(docs) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
                $$ BEGIN RETURN peek($1.id); END $$;
            ALTER TABLE docs OWNER TO owner;
            GRANT SELECT, UPDATE, DELETE ON docs TO alice, bob;
            GRANT SELECT ON members TO PUBLIC;
            CREATE POLICY one ON docs USING ({" AND ".join(self.visible)});
            {f"CREATE POLICY two ON docs AS RESTRICTIVE USING ({restrictive});" if restrictive else ""}
            ALTER TABLE docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM docs WHERE level < 3;
            CREATE VIEW invoked WITH (security_barrier, security_invoker) AS
                SELECT * FROM docs WHERE level < 3;
            ALTER VIEW barrier OWNER TO owner;
            GRANT SELECT ON barrier, invoked TO alice, bob, owner;
            TRUNCATE seen;""")
        if chance.random() < 0.8:
            self.server.script("ANALYZE docs;")
        if chance.random() < 0.5:
            self.server.script("DELETE FROM docs WHERE id % 31 = 0; UPDATE docs SET note = note"
                               " WHERE id % 7 = 1; VACUUM docs;")
        self.connections = {}
        self.ids = {}
        for role in ROLES:
            for way, settings in ASKED.items():
                self.connections[role, way] = self.connect(role, settings)
            self.ids[role] = {row for (row,) in
                              self.connections[role, "table"].execute("SELECT id FROM docs").fetchall()}
            self.server.rows("INSERT INTO seen SELECT %s, unnest(%s::int[])", role,
                             sorted(self.ids[role]))

    def connect(self, role, settings):
        connection = self.server.connect(prepare_threshold=None)
        for name, value in {**settings, "app.tenant": {"alice": 1, "bob": 2, "owner": 4}[role],
                            "role": role}.items():
            connection.execute(f"SET {name} = {value}")
        return connection

    # ---- queries ----

    def vector(self, chance, role):
        """Mostly that of a row which the role may not see."""
        hidden = sorted(set(range(1, ROWS)) - self.ids[role])
        if hidden and chance.random() < 0.6:
            return f"made({chance.choice(hidden)})"
        return f"made({chance.randint(1, 2000)})"

    def query(self, chance, role):
        vector = self.vector(chance, role)
        conditions = chance.sample(CONDITIONS, chance.randint(0, 2))
        if chance.random() < 0.5:
            conditions.append(chance.choice(PEEKS))
        where = " AND ".join(conditions or ["true"]).format(
            n=chance.randint(0, 5), q=vector, r=chance.choice(["0.5", "3.0", "4.6"]))
        table = chance.choice(["docs", "docs", "docs", "barrier AS docs", "invoked AS docs"])
        self.through_owner = table.startswith("barrier")
        if "docs.*" in where and table != "docs":
            where = where.replace("peek(docs.*)", "peek(docs.id)")
        limit = chance.choice([1, 3, 10, 10, 40, 1000])
        order = chance.choice(["v <-> {q}"] * 6 + ["1 / (1 + (v <-> {q})) DESC", "l2_distance(v, {q})"])
        order = order.format(q=vector)
        shape = chance.choice(["top"] * 6 + ["all", "changed", "lateral"])
        if shape == "changed" and table != "docs":
            shape = "top"
        if shape == "changed":
            return (f"UPDATE docs SET note = note WHERE id IN (SELECT id FROM docs WHERE {where}"
                    f" ORDER BY {order} LIMIT {limit}) RETURNING id, v <-> {vector}")
        if shape == "lateral":
            return (f"SELECT x.* FROM (VALUES (1), (2)) y (n) CROSS JOIN LATERAL (SELECT id,"
                    f" v <-> {vector} FROM {table} WHERE {where} AND n > 0 ORDER BY {order}"
                    f" LIMIT {limit}) x")
        query = f"SELECT id, v <-> {vector} FROM {table} WHERE {where} ORDER BY {order}"
        return query + (f" LIMIT {limit}" if shape == "top" else "")

    def ask(self, role, way, query):
        """Rows, or an SQL state; nothing stays changed."""
        connection = self.connections[role, way]
        try:
            connection.execute("BEGIN")
            return connection.execute(query).fetchall()
        except psycopg.Error as error:
            expect("peeked" not in str(error), f"{role}, {way}: {query}: {error}; policy"
                   f" {self.visible}")
            return error.sqlstate
        finally:
            connection.execute("ROLLBACK")

    def compare(self, chance, role, query):
        """Ask each way, and compare with what the table says."""
        right = self.ask(role, "table", query)
        for way in ["index", "usual", chance.choice(["exact", "search", "planner"])]:
            got = self.ask(role, way, query)
            what = (f"{role}, {way}: {query}; policy {self.visible}: {str(got)[:300]},"
                    f" table {str(right)[:300]}")
            if isinstance(got, str):
                # Of an error in a condition, whoever comes to the row first is told.
                expect(got == right, what)
                continue
            if isinstance(right, str):
                # An index may not have come to the row with the error.
                expect("LIMIT" in query or "1 /" in query, what)
                continue
            if not self.through_owner:
                expect({row[0] for row in got} <= self.ids[role], "hidden rows: " + what)
            expect(len(got) == len(right) or self.within(query, way), "rows: " + what)
            if self.exact and way in ("index", "exact", "search") and not self.within(query, way):
                expect([round(row[1], 5) if row[1] is not None else None for row in sorted_rows(got)]
                       == [round(row[1], 5) if row[1] is not None else None
                           for row in sorted_rows(right)], what)

    @staticmethod
    def within(query, way):
        """A condition on the distance ends a search early, which may miss a
        row; not where everything is searched."""
        return way in ("usual", "planner") and "(v <->" in query

    # ---- what else there is to learn ----

    def check_plans(self, chance, role, query):
        """The index tests nothing that would tell of hidden rows."""
        if not query.startswith("SELECT") or self.through_owner:
            return
        connection = self.connections[role, "index"]
        try:
            plan = json.dumps(connection.execute("EXPLAIN (FORMAT json) " + query).fetchall()[0][0])
        except psycopg.Error:
            return
        asked, policy = query.split("WHERE", 1)[1], " ".join(self.visible)
        for node in nodes(json.loads(plan)):
            if node.get("Index Name") != "docs_v":
                continue
            for column in "price", "tags":
                expect(column not in str(node.get("Index Cond")) or column in policy
                       or column not in asked, f"{role}: {query}: {node}; policy {policy}")
            expect("Stop After" not in node or "v <->" in policy, f"{role}: {query}: {node}")

    def check_functions(self):
        """Only an owner may look into an index."""
        for role in "alice", "bob":
            for call in ("vecdb_index_info('docs_v')", "vecdb_index_check('docs_v', true)",
                         "vecdb_index_check('docs_v')", "vecdb_recall('docs_v')",
                         "vecdb_calibrate('docs_v')"):
                got = self.ask(role, "planner", f"SELECT * FROM {call}")
                expect(got == "42501", f"{role}: {call}: {got}")

    def check_roles(self, chance):
        """A prepared statement is of whoever executes it."""
        with self.server.connect(prepare_threshold=None) as connection:
            for name, value in {**ASKED["index"], "plan_cache_mode": "force_generic_plan"}.items():
                connection.execute(f"SET {name} = {value}")
            connection.execute("SET app.tenant = 1")
            connection.execute("PREPARE p (int) AS SELECT id FROM docs WHERE note < 300 AND peek(id)"
                               " ORDER BY v <-> made($1) LIMIT 50")
            for role in chance.choices(ROLES, k=6):
                connection.execute("RESET role")
                connection.execute(f"SET role = {role}")
                connection.execute(
                    f"SET app.tenant = {({'alice': 1, 'bob': 2, 'owner': 4})[role]}")
                got = connection.execute(f"EXECUTE p ({chance.randint(1, 1000)})").fetchall()
                right = self.connections[role, "table"].execute(
                    "SELECT count(*) FROM docs WHERE note < 300").fetchall()[0][0]
                expect({row for (row,) in got} <= self.ids[role] and len(got) == min(right, 50),
                       f"{role}, prepared: {got}, {right} to be seen")

    def step(self, number, chance):
        self.create(chance)
        try:
            for _ in range(QUERIES):
                role = chance.choice(ROLES)
                query = self.query(chance, role)
                self.compare(chance, role, query)
                self.check_plans(chance, role, query)
            self.check_functions()
            self.check_roles(chance)
        finally:
            for connection in self.connections.values():
                connection.close()
        self.server.check_log()
        return {"queries": QUERIES, "rows to be seen": sum(map(len, self.ids.values()))}


def sorted_rows(rows):
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0))


def nodes(plan):
    """All nodes of a plan in JSON."""
    if isinstance(plan, list):
        for each in plan:
            yield from nodes(each)
    elif isinstance(plan, dict):
        yield plan
        for each in plan.values():
            if isinstance(each, (list, dict)):
                yield from nodes(each)
