"""asyncpg with pgvector-python: binary codecs, prepared statements, a pool."""

import asyncio
import io

import asyncpg
import numpy
from asyncpg import BitString
from pgvector import HalfVector, SparseVector, Vector
from pgvector.asyncpg import register_vector

from common import PACKAGES, QUESTIONS, Recall, done, expect_index, near

PLAIN = "SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10"
FILTERED = ("SELECT id FROM packages WHERE section = $1 AND size < $2"
            " ORDER BY embedding <=> $3 LIMIT 10")
MANY = "SELECT id, embedding <=> $1 AS distance FROM packages ORDER BY distance LIMIT 100"


async def ask(plain, filtered):
    """Ask all questions by two functions that fetch rows; see common.check_answers."""
    recalls = Recall(), Recall()
    for q in QUESTIONS:
        v = Vector(q["embedding"])
        rows = await plain(v)
        recalls[0].add([row["id"] for row in rows], q["nearest"])
        rows = await filtered(q["section"], q["below"], v)
        recalls[1].add([row["id"] for row in rows], q["nearest_filtered"])
    for recall in recalls:
        recall.check()


async def load(connection):
    await connection.execute(
        "CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text, size int,"
        " embedding vector(384), half halfvec(384), sparse sparsevec(384), bits bit(384))")
    rows = []
    for p in PACKAGES:
        e = numpy.array(p["embedding"])
        rows.append((p["id"], p["name"], p["section"], p["size"], e, HalfVector(e),
                     SparseVector(e), BitString("".join(str(int(x > 0)) for x in e))))
    # COPY, in binary format.
    await connection.copy_records_to_table("packages", records=rows[:500])
    await connection.executemany("INSERT INTO packages VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                                 rows[500:])
    await connection.execute(
        "CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops);"
        " CREATE INDEX sections ON packages (section); ANALYZE packages")


async def types(connection):
    """Every type and NULL, as parameters, results, arrays, and in COPY."""
    p = PACKAGES[0]
    row = await connection.fetchrow("SELECT * FROM packages WHERE id = $1", p["id"])
    for name, kind, most in (("embedding", Vector, 1e-7), ("half", HalfVector, 1e-3),
                             ("sparse", SparseVector, 1e-7)):
        assert type(row[name]) is kind, row[name]
        near(row[name].to_list(), p["embedding"], most)
    assert row["bits"].as_string().replace(" ", "") == "".join(
        str(int(x > 0)) for x in p["embedding"]), row["bits"]
    for name, values in (("vector", [Vector([1, -2.5]), Vector(numpy.arange(16000))]),
                         ("halfvec", [HalfVector([65504, 0.1]), HalfVector([0])]),
                         ("sparsevec", [SparseVector({}, 3), SparseVector({0: 1, 9: -2}, 10)])):
        got = await connection.fetchval(f"SELECT $1::{name}[]", values + [None])
        assert got == values + [None], got
        for value in values + [None]:
            assert await connection.fetchval(f"SELECT $1::{name}", value) == value, value

    await connection.execute("CREATE TABLE copied (LIKE packages)")
    await connection.execute("INSERT INTO packages (id) VALUES (0)")
    file = io.BytesIO()
    await connection.copy_from_table("packages", output=file, format="binary")
    file.seek(0)
    assert await connection.copy_to_table("copied", source=file, format="binary") == "COPY 1001"
    assert await connection.fetchval(
        "SELECT count(*) FROM (TABLE packages INTERSECT TABLE copied) AS same") == 1001
    rows = await connection.fetch("SELECT embedding <-> $1 AS distance FROM packages"
                                  " ORDER BY distance", row["embedding"])
    near(rows[0]["distance"], 0.0)
    assert rows[-1]["distance"] is None and len(rows) == 1001, rows[-1]
    await connection.execute("DELETE FROM packages WHERE id = 0")


async def prepared(connection):
    """By one plan for all parameters, which PostgreSQL takes after five executions, or as soon
    as it is told to."""
    for mode in "auto", "force_generic_plan":
        await connection.execute(f"SET plan_cache_mode = {mode}")
        plain = await connection.prepare(PLAIN)
        filtered = await connection.prepare(FILTERED)
        await ask(plain.fetch, filtered.fetch)
        for statement, argument in ((plain, "('[{0}]')"),
                                    (filtered, "('science', 5000, '[{0}]')")):
            plans = await connection.fetchrow(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = $1",
                statement.get_name())
            assert sum(plans) == len(QUESTIONS), plans
            if mode != "auto" or statement is plain:
                assert plans["generic_plans"] > 0, plans
                v = ",".join(str(x) for x in QUESTIONS[0]["embedding"])
                plan = await connection.fetch(
                    f"EXPLAIN EXECUTE {statement.get_name()} {argument.format(v)}")
                expect_index(plan, "nearest")
                assert any("<=> $" in line[0] for line in plan), plan
    await connection.execute("RESET plan_cache_mode")


async def settings(connection):
    v = Vector(QUESTIONS[0]["embedding"])
    async with connection.transaction():
        await connection.execute("SET LOCAL hnsw.iterative_scan = off")
        await connection.execute("""SET LOCAL "hnsw.ef_search" = '40'""")
        assert len(await connection.fetch(MANY, v)) == 40
        await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
        distances = [row["distance"] for row in await connection.fetch(MANY, v)]
        assert distances == sorted(distances), distances
    rows = await connection.fetch(MANY, v)
    assert len({row["id"] for row in rows}) == 100
    # A cursor, which fetches ten rows at a time.
    async with connection.transaction():
        got = [row["id"] async for row in connection.cursor(MANY, v, prefetch=10)]
    assert got == [row["id"] for row in rows], got


async def main():
    connection = await asyncpg.connect()
    await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    await register_vector(connection)
    await load(connection)
    await types(connection)

    v = Vector(QUESTIONS[0]["embedding"])
    expect_index(await connection.fetch("EXPLAIN " + PLAIN, v), "nearest")
    expect_index(await connection.fetch("EXPLAIN " + FILTERED, "science", 5000, v), "nearest")
    await prepared(connection)
    await settings(connection)
    await connection.close()

    pool = await asyncpg.create_pool(min_size=1, max_size=4, init=register_vector,
                                     server_settings={"hnsw.ef_search": "123"})
    await ask(lambda v: pool.fetch(PLAIN, v), lambda *a: pool.fetch(FILTERED, *a))
    # All at once.
    recall = Recall()
    for q, rows in zip(QUESTIONS, await asyncio.gather(
            *(pool.fetch(PLAIN, Vector(q["embedding"])) for q in QUESTIONS))):
        recall.add([row["id"] for row in rows], q["nearest"])
    recall.check()
    assert await pool.fetchval("SHOW hnsw.ef_search") == "123"
    await pool.close()


asyncio.run(main())
done("binary codecs of every type, COPY, prepared statements with generic plans, cursors, a pool",
     "asyncpg", "pgvector")
