"""psycopg 3 with pgvector-python: prepared statements, cursors, pools, settings."""

import asyncio

import numpy
import psycopg
from pgvector import Vector
from pgvector.psycopg import register_vector, register_vector_async
from psycopg_pool import ConnectionPool

from common import PACKAGES, QUESTIONS, Recall, check_answers, done, expect_index, near

PLAIN = "SELECT id FROM packages ORDER BY embedding <=> %s LIMIT 10"
FILTERED = ("SELECT id FROM packages WHERE section = %s AND size < %s"
            " ORDER BY embedding <=> %s LIMIT 10")
MANY = "SELECT id, embedding <=> %s AS distance FROM packages ORDER BY distance LIMIT 100"

connection = psycopg.connect(autocommit=True)
connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
register_vector(connection)
connection.execute("CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text,"
                   " size int, embedding vector(384))")
with connection.cursor().copy("COPY packages FROM STDIN WITH (FORMAT BINARY)") as copy:
    copy.set_types(["int8", "text", "text", "int4", "vector"])
    for p in PACKAGES[:500]:
        copy.write_row([p["id"], p["name"], p["section"], p["size"], numpy.array(p["embedding"])])
with connection.cursor() as cursor:
    cursor.executemany("INSERT INTO packages VALUES (%s, %s, %s, %s, %s)", [
        [p["id"], p["name"], p["section"], p["size"], Vector(p["embedding"])]
        for p in PACKAGES[500:]])
connection.execute("CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)"
                   " WITH (m = 16, ef_construction = 64)")
connection.execute("CREATE INDEX sections ON packages (section)")
connection.execute("ANALYZE packages")


def ids(rows):
    return [row[0] for row in rows]


def ask(on, **options):
    """Ask, each question by the same statements."""
    check_answers(
        lambda q: ids(on.execute(PLAIN, [Vector(q["embedding"])], **options)),
        lambda q: ids(on.execute(FILTERED, [q["section"], q["below"], Vector(q["embedding"])],
                                 **options)))


v = Vector(QUESTIONS[0]["embedding"])
expect_index(connection.execute("EXPLAIN " + PLAIN, [v]), "nearest")
expect_index(connection.execute("EXPLAIN " + FILTERED, ["science", 5000, v]), "nearest")

# Prepared statements: PostgreSQL plans them once for all after some executions.
for binary in False, True:
    ask(connection, prepare=True, binary=binary)
connection.execute("SET plan_cache_mode = force_generic_plan")
ask(connection, prepare=True)
generic = connection.execute("SELECT statement, generic_plans FROM pg_prepared_statements"
                             " WHERE statement LIKE '%<=>%'").fetchall()
assert len(generic) == 2 and all(n >= len(QUESTIONS) for _, n in generic), generic
connection.execute("RESET plan_cache_mode")

stored = connection.execute("SELECT embedding FROM packages WHERE id = %s", [PACKAGES[0]["id"]],
                            binary=True).fetchone()[0]
near(stored.to_list(), PACKAGES[0]["embedding"], 1e-7)

# A session that sets before it has used anything, and quotes what it sets.
with psycopg.connect(autocommit=True) as fresh:
    fresh.execute("""SET "hnsw.ef_search" = '40'""")
    register_vector(fresh)
    ask(fresh)
    assert fresh.execute("SHOW hnsw.ef_search").fetchone() == ("40",)

# What is set for one transaction; a scan of 40 rows that does not go on has no more.
with connection.transaction():
    connection.execute("SET LOCAL hnsw.ef_search = 40")
    connection.execute("SET LOCAL hnsw.iterative_scan = off")
    expect_index(connection.execute("EXPLAIN " + MANY, [v]), "nearest")
    assert len(connection.execute(MANY, [v]).fetchall()) == 40
    connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
    distances = [d for _, d in connection.execute(MANY, [v])]
    assert distances == sorted(distances), distances
    connection.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    assert len(set(ids(connection.execute(MANY, [v])))) == 100
    assert connection.execute("SELECT set_config('hnsw.ef_search', '200', true)").fetchone() == (
        "200",)
assert connection.execute("SHOW hnsw.ef_search").fetchone() != ("200",)
try:
    connection.execute("SET hnsw.ef_search = 0")
    raise AssertionError("hnsw.ef_search = 0 was taken")
except psycopg.errors.InvalidParameterValue as error:
    assert "outside the valid range" in str(error), error

# Settings of a connection, and of a role.
with psycopg.connect(options="-c hnsw.ef_search=123 -c hnsw.iterative_scan=strict_order") as own:
    register_vector(own)
    ask(own)
    assert own.execute("SHOW hnsw.ef_search").fetchone() == ("123",)
connection.execute("ALTER ROLE CURRENT_USER SET hnsw.ef_search = 77")
with psycopg.connect() as own:
    register_vector(own)
    ask(own)
    assert own.execute("SHOW hnsw.ef_search").fetchone() == ("77",)
connection.execute("ALTER ROLE CURRENT_USER RESET hnsw.ef_search")

# A cursor in the server, read in parts, in both formats; its rows are in order.
for binary in False, True:
    with connection.transaction(), connection.cursor("part", binary=binary) as cursor:
        cursor.execute(MANY, [v])
        rows = cursor.fetchmany(10)
        cursor.itersize = 20
        rows += list(cursor)
    assert len(set(ids(rows))) == 100, rows
    assert len(set(ids(rows[:10])) & set(QUESTIONS[0]["nearest"])) >= 9, rows[:10]

with connection.pipeline():
    cursors = [connection.execute(PLAIN, [Vector(q["embedding"])]) for q in QUESTIONS]
recall = Recall()
for q, cursor in zip(QUESTIONS, cursors):
    recall.add(ids(cursor), q["nearest"])
recall.check()

with ConnectionPool(min_size=1, max_size=2, configure=register_vector,
                    kwargs={"autocommit": True}) as pool:
    with pool.connection() as own:
        ask(own)

# A NULL is stored, and is the last.
connection.execute("INSERT INTO packages VALUES (0, 'none', 'science', 1, %s)", [None])
assert connection.execute("SELECT embedding FROM packages WHERE id = 0").fetchone() == (None,)
rows = connection.execute("SELECT id, embedding <=> %s AS distance FROM packages"
                          " WHERE section = 'science' ORDER BY distance", [v]).fetchall()
assert len(rows) > 10 and rows[-1] == (0, None), rows[-1]
connection.execute("DELETE FROM packages WHERE id = 0")


async def asynchronous():
    own = await psycopg.AsyncConnection.connect(autocommit=True)
    await register_vector_async(own)
    recall = Recall()
    for q in QUESTIONS:
        rows = await own.execute(FILTERED, [q["section"], q["below"], Vector(q["embedding"])])
        recall.add(ids(await rows.fetchall()), q["nearest_filtered"])
    recall.check()
    await own.close()


asyncio.run(asynchronous())
done("binary COPY, executemany, prepared statements, generic plans, cursors in the server,"
     " pipeline, pool, async, settings of hnsw", "psycopg", "psycopg-pool", "pgvector")
