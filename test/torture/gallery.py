"""Tables of every type of vecdb, with indexes of every kind: what is moved to
another server, by a dump, a replica or an upgrade, and compared there.

The extension is in a schema of its own, vecdb, that is in no search path; the
tables are in the schema gallery.
"""

from finding import expect
from world import BY_INDEX, BY_TABLE

TYPES = {
    "v": ("vector", 24, ["l2", "ip", "cosine", "l1"]),
    "h": ("halfvec", 24, ["l2", "ip", "cosine", "l1"]),
    "q": ("int8vec", 24, ["l2", "ip", "cosine", "l1"]),
    "s": ("sparsevec", 60, ["l2", "ip", "cosine", "l1"]),
    "b": ("bit", 64, ["hamming", "jaccard"]),
}

# Of one path for names and expressions, so that they read the same everywhere.
NO_PATH = {"search_path": "''"}
PATH = {"search_path": "gallery, vecdb, public"}

EXTENSION = """
CREATE SCHEMA vecdb;
CREATE EXTENSION vecdb SCHEMA vecdb;
CREATE SCHEMA gallery;
"""

FUNCTIONS = """
CREATE FUNCTION gallery.numbers(seed int, n int) RETURNS float8[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$SELECT array_agg(sin(seed / 40 * 12.9898::float8 + i * 78.233::float8)
          + 0.5 * sin(seed * 12.9898::float8 + seed % 1009 * i * 0.37::float8) ORDER BY i)
      FROM generate_series(1, n) i$$;
CREATE FUNCTION gallery.whole(seed int, n int, size int) RETURNS int[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$SELECT array_agg(round(x / 1.5 * size)::int ORDER BY i)
      FROM unnest(gallery.numbers(seed, n)) WITH ORDINALITY AS u (x, i)$$;
CREATE FUNCTION gallery.bits(seed int, n int) RETURNS bit varying LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$SELECT string_agg((x > 0)::int::text, '' ORDER BY i)::bit varying
      FROM unnest(gallery.numbers(seed, n)) WITH ORDINALITY AS u (x, i)$$;
"""

COLUMNS = """
    id int, tenant int, tag text, tags int[], price numeric, made timestamptz, flag boolean,
    v vecdb.vector(24) DEFAULT '[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-1e-45]',
    h vecdb.halfvec(24), q vecdb.int8vec(24), s vecdb.sparsevec(60), b bit(64),
    loose vecdb.vector, many vecdb.vector[]
"""

# What a row has; of a seed, which is its id unless it was updated.  Some have
# nulls, zeroes, and the same as others.
VALUES = """{id}, {seed} % 7, 'tag ' || {seed} % 5, ARRAY[{seed} % 3, {seed} % 11], {seed} / 8.0,
    timestamptz '2026-01-01 00:00+00' + {seed} * interval '1 hour', {seed} % 2 = 0,
    CASE WHEN {seed} % 41 = 3 THEN NULL WHEN {seed} % 13 = 7 THEN gallery.numbers(1, 24)::vecdb.vector
         ELSE gallery.numbers({seed}, 24)::vecdb.vector END,
    CASE WHEN {seed} % 37 = 5 THEN NULL ELSE gallery.numbers({seed}, 24)::vecdb.halfvec END,
    gallery.whole({seed}, 24, CASE WHEN {seed} % 53 = 9 THEN 0 ELSE 120 END)::vecdb.int8vec,
    gallery.whole({seed}, 60, 2)::vecdb.int8vec::vecdb.vector::vecdb.sparsevec,
    gallery.bits({seed}, 64)::bit(64),
    gallery.numbers({seed}, 1 + {seed} % 50)::vecdb.vector,
    ARRAY[gallery.numbers({seed}, 2)::vecdb.vector, NULL, '[3.4028235e38,-1.1754944e-38,1e-45,-0,0.1]']"""

TABLES = """
CREATE DOMAIN gallery.unit AS vecdb.vector(2) CHECK (abs(vecdb.vector_norm(VALUE) - 1) < 0.001);
CREATE TYPE gallery.pair AS (one vecdb.vector(2), two vecdb.halfvec);
CREATE TABLE gallery.things (""" + COLUMNS + """, PRIMARY KEY (id),
    CHECK (vecdb.vector_dims(loose) > 0),
    half vecdb.halfvec(24) GENERATED ALWAYS AS (v::vecdb.halfvec) STORED,
    norm float8 GENERATED ALWAYS AS (vecdb.vector_norm(v)) STORED);
CREATE TABLE gallery.parted (""" + COLUMNS + """, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant);
CREATE TABLE gallery.parted_a PARTITION OF gallery.parted FOR VALUES IN (0, 1, 2);
CREATE TABLE gallery.parted_b (gone int, """ + COLUMNS + """, PRIMARY KEY (id, tenant));
ALTER TABLE gallery.parted_b DROP COLUMN gone;
ALTER TABLE gallery.parted ATTACH PARTITION gallery.parted_b DEFAULT;
CREATE TABLE gallery.small (id int PRIMARY KEY, u gallery.unit, p gallery.pair,
    v3 vecdb.vector(3) NOT NULL DEFAULT '[1,2.5,-3]');
CREATE TABLE gallery.whole_rows (id int, v vecdb.vector(2), b bit(3));
ALTER TABLE gallery.whole_rows REPLICA IDENTITY FULL;
"""

# What a replica does not need.
MORE = """
CREATE VIEW gallery.near AS
    SELECT id, v OPERATOR(vecdb.<->) gallery.numbers(5, 24)::vecdb.vector AS l2,
           b OPERATOR(vecdb.<~>) gallery.bits(5, 64)::bit(64) AS hamming
    FROM gallery.things WHERE v IS NOT NULL
    ORDER BY v OPERATOR(vecdb.<->) gallery.numbers(5, 24)::vecdb.vector, id LIMIT 20;
CREATE MATERIALIZED VIEW gallery.centres AS
    SELECT tenant AS id, vecdb.avg(v) AS centre, vecdb.sum(h) AS total FROM gallery.things GROUP BY tenant ORDER BY tenant;
CREATE INDEX centres_v ON gallery.centres USING hnsw ((centre::vecdb.vector(24)) vecdb.vector_l2_ops);
CREATE STATISTICS gallery.things_tenant (ndistinct, dependencies, mcv) ON tenant, tag, flag
    FROM gallery.things;
CREATE STATISTICS gallery.things_norm ON (vecdb.vector_norm(v)), tenant FROM gallery.things;
ALTER TABLE gallery.things ALTER v SET STATISTICS 0, ALTER h SET STORAGE EXTERNAL;
ALTER TABLE gallery.things CLUSTER ON things_pkey;
CREATE POLICY mine ON gallery.things TO reader USING (tenant < 4);
CREATE POLICY near ON gallery.things AS RESTRICTIVE FOR SELECT
    USING (v IS NULL OR v OPERATOR(vecdb.<->) gallery.numbers(5, 24)::vecdb.vector < 1e9);
ALTER TABLE gallery.things ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON gallery.things, gallery.parted TO reader;
COMMENT ON COLUMN gallery.things.v IS 'what is searched';
COMMENT ON INDEX gallery.things_0 IS 'an index';
CREATE FUNCTION gallery.nearest(wanted vecdb.vector) RETURNS SETOF int LANGUAGE sql STABLE AS
    $$SELECT id FROM gallery.things ORDER BY v OPERATOR(vecdb.<->) wanted LIMIT 3$$;
CREATE FUNCTION gallery.is_sum(vecdb.vector, vecdb.vector) RETURNS boolean LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
        SELECT ($1 OPERATOR(vecdb.+) $2) OPERATOR(vecdb.=) ($2 OPERATOR(vecdb.+) $1);
    END;
CREATE AGGREGATE gallery.middle (vecdb.vector) (SFUNC = vecdb.vector_accum, STYPE = float8[],
    FINALFUNC = vecdb.vector_avg, INITCOND = '{0}');
"""

# Each object that a schema has, by queries that give the same for the same.
OBJECTS = [
    "SELECT extname, nspname, extversion FROM pg_extension e JOIN pg_namespace n"
    " ON n.oid = e.extnamespace WHERE extname = 'vecdb'",
    "SELECT oid::regclass::text, relkind, (SELECT amname FROM pg_am a WHERE a.oid = relam),"
    " reloptions, relrowsecurity, relforcerowsecurity, relacl::text, relreplident,"
    " pg_get_expr(relpartbound, oid), obj_description(oid, 'pg_class') FROM pg_class"
    " WHERE relnamespace = 'gallery'::regnamespace",
    "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,"
    " attgenerated, coalesce(attstattarget, -1), attstorage, col_description(attrelid, attnum),"
    " pg_get_expr(adbin, adrelid) FROM pg_attribute"
    " JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef"
    " ON adrelid = attrelid AND adnum = attnum WHERE relnamespace = 'gallery'::regnamespace"
    " AND attnum > 0 AND NOT attisdropped AND relkind <> 'i'",
    "SELECT pg_get_indexdef(indexrelid), indisvalid, indisready, indisclustered, indisreplident"
    " FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
    " WHERE relnamespace = 'gallery'::regnamespace",
    "SELECT conname, contype, conrelid::regclass::text, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'gallery'::regnamespace AND contype <> 'n'",
    "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies",
    "SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'gallery'::regnamespace"
    " AND prokind = 'f'",
    "SELECT oid::regprocedure::text, aggtransfn::text, aggfinalfn::text, agginitval FROM pg_proc"
    " JOIN pg_aggregate ON aggfnoid = oid WHERE pronamespace = 'gallery'::regnamespace",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'gallery'",
    "SELECT typname, typtype, format_type(typbasetype, typtypmod) FROM pg_type"
    " WHERE typnamespace = 'gallery'::regnamespace AND typtype IN ('d', 'c')",
]

# Every index that is one of ours, and what it orders by.
INDEXES = """
SELECT c.oid::regclass::text, x.indrelid::regclass::text, a.amname,
       pg_get_indexdef(c.oid, 1, true), 'OPERATOR(vecdb.' || o.oprname || ')',
       coalesce(pg_get_expr(x.indpred, x.indrelid), 'true')
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am a ON a.oid = c.relam
JOIN pg_opclass k ON k.oid = x.indclass[0]
JOIN pg_amop m ON m.amopfamily = k.opcfamily AND m.amoppurpose = 'o'
    AND m.amoplefttype = k.opcintype
JOIN pg_operator o ON o.oid = m.amopopr
WHERE c.relkind = 'i' AND a.amname IN ('hnsw', 'ivf', 'ivfflat')
    AND c.relnamespace = 'gallery'::regnamespace ORDER BY 1
"""


def index_definitions():
    """Indexes of things: of every access method and operator class, and then
    of expressions, of some rows, and with columns to filter by."""
    for column, (kind, _, metrics) in TYPES.items():
        for metric in metrics:
            for method in "hnsw", "ivf", "ivfflat":
                if method == "ivfflat" and metric in ("l1", "jaccard"):
                    continue
                yield f"USING {method} ({column} vecdb.{kind}_{metric}_ops)"
    yield from [
        "USING hnsw (v vecdb.vector_l2_ops, tenant, tag, tags, price, made, flag)"
        " WITH (m = 5, ef_construction = 33)",
        "USING ivf (v vecdb.vector_ip_ops, tenant, (id % 10), price, tags)"
        " WITH (quantizer = pq, lists = 7)",
        "USING ivfflat (h vecdb.halfvec_l2_ops, flag, made) WITH (lists = 3)",
        "USING hnsw (v vecdb.vector_cosine_ops) WITH (quantizer = none) WHERE flag",
        "USING ivf (q vecdb.int8vec_l2_ops) WITH (quantizer = sq8) WHERE tenant < 3",
        "USING hnsw ((v::vecdb.halfvec(24)) vecdb.halfvec_l2_ops) WITH (quantizer = sq8)",
        "USING hnsw ((vecdb.binary_quantize(v)::bit(24)) vecdb.bit_hamming_ops)",
        "USING ivf ((vecdb.subvector(v, 1, 6)::vecdb.vector(6)) vecdb.vector_l2_ops)"
        " WITH (quantizer = rabitq) WHERE v IS NOT NULL",
        "USING hnsw (half vecdb.halfvec_ip_ops, norm)",
    ]


class Gallery:
    """The schema in a database of a server."""

    def __init__(self, server, database="postgres"):
        self.server = server
        self.database = database

    def script(self, text):
        return self.server.script(text, database=self.database)

    def rows(self, query, *values, settings=None):
        return self.server.rows(query, *values, database=self.database,
                                settings={**PATH, **(settings or {})})

    # ---- making it ----

    def create(self, chance, indexes=12):
        """All of it, without rows; so many indexes of things, some of them
        drawn by chance."""
        self.script(EXTENSION + FUNCTIONS + TABLES)
        chosen = chance.sample(list(index_definitions()), indexes)
        self.create_indexes(chosen)
        return self

    def create_indexes(self, definitions):
        self.script("".join(f"CREATE INDEX things_{number} ON gallery.things {definition};\n"
                            for number, definition in enumerate(definitions)) + """
            CREATE INDEX parted_v ON gallery.parted USING hnsw (v vecdb.vector_l2_ops, tenant);
            CREATE INDEX parted_h ON gallery.parted USING ivf (h vecdb.halfvec_cosine_ops);
            CREATE INDEX parted_b_q ON gallery.parted_b USING ivfflat (q vecdb.int8vec_l2_ops);
            CREATE INDEX small_v3 ON gallery.small (v3);
            CREATE INDEX small_far ON gallery.small ((v3 OPERATOR(vecdb.<->) '[1,1,1]'), id)
                WHERE v3 OPERATOR(vecdb.<#>) '[1,1,1]' < 0;""")

    def fill(self, first, last):
        """Rows of these numbers in all tables."""
        series = f"FROM generate_series({first}, {last}) i"
        values = VALUES.format(id="i", seed="i")
        columns = "id, tenant, tag, tags, price, made, flag, v, h, q, s, b, loose, many"
        self.script(f"""
            INSERT INTO gallery.things ({columns}) SELECT {values} {series};
            INSERT INTO gallery.parted ({columns}) SELECT {values} {series};
            INSERT INTO gallery.small SELECT i, ARRAY[cos(i), sin(i)]::vecdb.vector,
                ROW (ARRAY[i, 0.1], gallery.numbers(i, 5)::vecdb.halfvec)::gallery.pair,
                gallery.numbers(i, 3)::vecdb.vector {series} WHERE i % 3 = 0;
            INSERT INTO gallery.small (id) SELECT i {series} WHERE i % 3 > 0 AND i % 50 < 3;
            INSERT INTO gallery.whole_rows SELECT i, ARRAY[i, -0.0]::vecdb.vector, i::bit(3)
                {series} WHERE i % 20 = 0;""")

    def more(self):
        """What depends on the tables, and replicas do not get."""
        self.script(MORE)

    def change(self, chance):
        """One of the ways to change rows."""
        several, rest = chance.randint(5, 30), chance.randint(0, 4)
        which = f"id % {several} = {rest}"
        seed = f"(id + {chance.randint(1, 100000)})"
        new = VALUES.format(id="id", seed=seed)
        columns = "id, tenant, tag, tags, price, made, flag, v, h, q, s, b, loose, many"
        self.script(chance.choice([
            f"UPDATE gallery.things SET ({columns}) = ROW ({new}) WHERE {which};",
            f"UPDATE gallery.things SET tag = 'new', price = price + 1 WHERE {which};",
            f"UPDATE gallery.parted SET ({columns}) = ROW ({new}) WHERE {which};",
            f"DELETE FROM gallery.things WHERE {which};",
            f"DELETE FROM gallery.parted WHERE {which};",
            f"UPDATE gallery.whole_rows SET v = v OPERATOR(vecdb.+) '[0,1]' WHERE {which};"
            f" DELETE FROM gallery.whole_rows WHERE id % 7 = {rest};",
            f"UPDATE gallery.small SET v3 = v3 OPERATOR(vecdb.+) '[1,1,1]' WHERE {which};"
            f" DELETE FROM gallery.small WHERE id % 40 = {rest};",
            f"BEGIN; DELETE FROM gallery.things; ROLLBACK;"
            f" UPDATE gallery.things SET v = NULL WHERE {which};",
            "TRUNCATE gallery.whole_rows;",
            "VACUUM gallery.things; VACUUM gallery.parted;",
        ]))

    # ---- comparing it ----

    def tables(self):
        return [name for (name,) in self.rows(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'v')"
            " AND relnamespace = 'gallery'::regnamespace ORDER BY 1", settings=NO_PATH)]

    def contents(self, table, but=()):
        """Each row, its vectors to the bit; but some columns."""
        send = {"vecdb.vector": "vecdb.vector_send", "vecdb.halfvec": "vecdb.halfvec_send",
                "vecdb.int8vec": "vecdb.int8vec_send", "vecdb.sparsevec": "vecdb.sparsevec_send",
                "bit": "bit_send"}
        columns = [f"{send[kind]}({name})::text" if kind in send else f"{name}::text"
                   for name, kind in self.rows(
                       "SELECT attname, format_type(atttypid, -1) FROM pg_attribute"
                       " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                       " AND attname <> ALL (%s) ORDER BY attname", table, list(but),
                       settings=NO_PATH)]
        return self.rows("SELECT md5(concat_ws('/', " + ", ".join(
            f"coalesce({column}, 'null')" for column in columns) + f")) FROM {table} ORDER BY 1",
                         settings={**NO_PATH, **BY_TABLE, "TimeZone": "UTC"})

    def objects(self):
        """All definitions."""
        return [sorted(map(str, self.rows(query, settings=NO_PATH))) for query in OBJECTS]

    def expect_same_rows(self, other, but=()):
        tables = self.tables()
        expect(tables and tables == other.tables(), "tables:", tables, other.tables())
        count = 0
        for table in tables:
            mine, others = self.contents(table, but), other.contents(table, but)
            expect(mine == others, f"{table}: {len(mine)} rows here, {len(others)} there,"
                   f" {len(set(mine) & set(others))} of them equal")
            count += len(mine)
        return count

    def expect_same_objects(self, other):
        count = 0
        for query, mine, others in zip(OBJECTS, self.objects(), other.objects()):
            differ = sorted(set(mine) ^ set(others))
            expect(mine == others, f"{query[:60]}: {differ[:4]}")
            count += len(mine)
        return count

    # ---- its indexes ----

    def indexes(self):
        return self.rows(INDEXES, settings=NO_PATH)

    def query(self, index, row):
        """A search through the index for something like a row's vector."""
        _, table, _, key, operator, predicate = index
        wanted = (f"(SELECT {key} FROM {table} WHERE {key} IS NOT NULL AND {predicate}"
                  f" ORDER BY id OFFSET {row} LIMIT 1)")
        return (f"SELECT id, {key} {operator} {wanted} AS distance FROM {table}"
                f" WHERE {predicate} ORDER BY {key} {operator} {wanted}")

    def by_index(self, index, *queries):
        """The rows of queries that no other index answers."""
        rivals = [other[0] for other in self.indexes()
                  if other[1] == index[1] and other[3:5] == index[3:5] and other[0] != index[0]]
        with self.server.connect(self.database) as connection:
            for name, value in {**PATH, **BY_INDEX}.items():
                connection.execute(f"SET {name} = {value}")
            connection.execute("BEGIN")
            for rival in rivals:
                connection.execute(f"DROP INDEX {rival}")
            found = []
            for query in queries:
                plan = str(connection.execute("EXPLAIN (COSTS off) " + query).fetchall())
                expect(index[0].split(".")[-1] in plan, f"{index[0]}: not used: {plan}")
                found.append(connection.execute(query).fetchall())
            connection.execute("ROLLBACK")
            return found

    def check(self, chance):
        """Every index is sound, and finds what the table has.  Returns how
        many there are."""
        indexes = self.indexes()
        for index in indexes:
            name = index[0]
            problems = self.rows("SELECT block, problem FROM vecdb.vecdb_index_check(%s, true)"
                                 " LIMIT 5", name)
            expect(not problems, f"{name}: vecdb_index_check: {problems}")
            query = ("SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint) FROM ("
                     + self.query(index, chance.randint(0, 30)) + ") x")
            found = self.by_index(index, query)[0]
            right = self.rows(query, settings=BY_TABLE)
            expect(found == right, f"{name}: index {found}, table {right}: {query}")
        return len(indexes)

    def answers(self, rows):
        """What searches for these rows find, at the usual settings, by each
        index."""
        return {index[0]: self.by_index(index, *(self.query(index, row) + " LIMIT 10"
                                                 for row in rows))
                for index in self.indexes()}
