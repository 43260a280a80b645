"""psycopg2 with pgvector-python: values as literals in the statements."""

import io

import numpy
import psycopg2
import psycopg2.extras
from pgvector import HalfVector, SparseVector, Vector
from pgvector.psycopg2 import register_vector

from common import PACKAGES, QUESTIONS, Recall, check_answers, done, expect_index, near

PLAIN = "SELECT id FROM packages ORDER BY embedding <=> %s LIMIT 10"
FILTERED = ("SELECT id FROM packages WHERE section = %s AND size < %s"
            " ORDER BY embedding <=> %s LIMIT 10")
MANY = "SELECT id, embedding <=> %s AS distance FROM packages ORDER BY distance LIMIT 100"

connection = psycopg2.connect("")
cursor = connection.cursor()
cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
register_vector(connection)
cursor.execute("CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text, size int,"
               " embedding vector(384), half halfvec(384), sparse sparsevec(384))")
psycopg2.extras.execute_values(
    cursor, "INSERT INTO packages VALUES %s",
    [(p["id"], p["name"], p["section"], p["size"], Vector(p["embedding"]),
      HalfVector(p["embedding"]), SparseVector(p["embedding"])) for p in PACKAGES[:500]])
text = "".join(
    f"{p['id']}\t{p['name']}\t{p['section']}\t{p['size']}\t{Vector(p['embedding']).to_text()}"
    f"\t{HalfVector(p['embedding']).to_text()}\t{SparseVector(p['embedding']).to_text()}\n"
    for p in PACKAGES[500:])
cursor.copy_expert("COPY packages FROM STDIN", io.StringIO(text))
cursor.execute("CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)")
cursor.execute("CREATE INDEX sections ON packages (section)")
connection.commit()
cursor.execute("ANALYZE packages")


def ids(statement, parameters):
    cursor.execute(statement, parameters)
    return [row[0] for row in cursor]


def explain(statement, parameters):
    cursor.execute("EXPLAIN " + statement, parameters)
    return cursor.fetchall()


def ask(make=Vector):
    check_answers(lambda q: ids(PLAIN, [make(q["embedding"])]),
                  lambda q: ids(FILTERED, [q["section"], q["below"], make(q["embedding"])]))


v = Vector(QUESTIONS[0]["embedding"])
expect_index(explain(PLAIN, [v]), "nearest")
expect_index(explain(FILTERED, ["science", 5000, v]), "nearest")
ask()
ask(numpy.array)
connection.commit()

# Every type, and arrays of them.
cursor.execute("SELECT embedding, half, sparse FROM packages WHERE id = %s", [PACKAGES[0]["id"]])
for got, kind, most in zip(cursor.fetchone(), (Vector, HalfVector, SparseVector),
                           (1e-7, 1e-3, 1e-7)):
    assert type(got) is kind, got
    near(got.to_list(), PACKAGES[0]["embedding"], most)
cursor.execute("SELECT %s::vector[], %s::halfvec[], array_agg(s) FROM"
               " (VALUES ('{1:2}/3'::sparsevec), (NULL)) AS sparse (s)",
               [[Vector([1, 2]), Vector([3])], [HalfVector([0.1]), None]])
row = cursor.fetchone()
assert row == ([Vector([1, 2]), Vector([3])], [HalfVector([0.1]), None],
               [SparseVector({0: 2}, 3), None]), row
cursor.execute("SELECT avg(embedding), sum(half) FROM packages WHERE section = 'games'")
mean, total = cursor.fetchone()
games = [p["embedding"] for p in PACKAGES if p["section"] == "games"]
near(mean.to_list(), numpy.mean(games, axis=0).tolist())
near(total.to_list(), numpy.sum(games, axis=0).tolist(), 0.02)
cursor.execute("SELECT B'1011' <%%> %s, B'1011' <~> %s", ["1101", "1101"])
assert cursor.fetchone() == (0.5, 2)

# Settings of a transaction and of a session, which ends them.
with connection:
    cursor.execute("SET LOCAL hnsw.iterative_scan = off; SET LOCAL hnsw.ef_search = 40")
    expect_index(explain(MANY, [v]), "nearest")
    assert len(ids(MANY, [v])) == 40
with connection:
    cursor.execute("""SET "hnsw.ef_search" = '100'""")
with connection:
    assert len(set(ids(MANY, [v]))) == 100
    cursor.execute("SHOW hnsw.ef_search")
    assert cursor.fetchone() == ("100",)
    cursor.execute("RESET hnsw.ef_search")

# A cursor in the server, with rows as dictionaries.
with connection:
    with connection.cursor("part", cursor_factory=psycopg2.extras.RealDictCursor) as part:
        part.itersize = 10
        part.execute(MANY, [v])
        rows = list(part)
assert len(rows) == 100, len(rows)
recall = Recall()
recall.add([row["id"] for row in rows[:10]], QUESTIONS[0]["nearest"])
recall.check()

# Changes that are rolled back, and NULL.
cursor.execute("UPDATE packages SET embedding = NULL WHERE section = 'science'")
assert not set(ids(PLAIN, [v])) & {p["id"] for p in PACKAGES if p["section"] == "science"}
rows = ids("SELECT embedding FROM packages ORDER BY embedding <=> %s", [v])
assert len(rows) == len(PACKAGES) and rows[-1] is None and rows[0] is not None
connection.rollback()
ask()

# The other index of pgvector.
cursor.execute("DROP INDEX nearest")
cursor.execute("CREATE INDEX nearest_list ON packages USING ivfflat (embedding vector_cosine_ops)"
               " WITH (lists = 10)")
cursor.execute("SET ivfflat.probes = 8")
expect_index(explain(PLAIN, [v]), "nearest_list")
ask()
connection.commit()
done("execute_values, COPY, numpy arrays, every type and arrays of them, transactions, cursors"
     " in the server, hnsw and ivfflat", "psycopg2-binary", "pgvector")
