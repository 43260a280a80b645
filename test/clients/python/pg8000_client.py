"""pg8000 with pgvector-python: PostgreSQL's protocol in Python alone, in text."""

import io
import os

import numpy
import pg8000.native
from pgvector import HalfVector, SparseVector, Vector
from pgvector.pg8000 import register_vector

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near

PLAIN = "SELECT id FROM packages ORDER BY embedding <=> :v LIMIT 10"
FILTERED = ("SELECT id FROM packages WHERE section = :section AND size < :below"
            " ORDER BY embedding <=> :v LIMIT 10")

connection = pg8000.native.Connection(
    os.environ["PGUSER"], host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]),
    password=os.environ["PGPASSWORD"], database=os.environ["PGDATABASE"])
connection.run("CREATE EXTENSION IF NOT EXISTS vector")
register_vector(connection)
connection.run("CREATE TABLE packages (id bigint PRIMARY KEY, section text, size int,"
               " embedding vector(384), half halfvec(384), sparse sparsevec(384))")
connection.run("COPY packages FROM STDIN", stream=io.StringIO("".join(
    f"{p['id']}\t{p['section']}\t{p['size']}\t{Vector(p['embedding']).to_text()}"
    f"\t{HalfVector(p['embedding']).to_text()}\t{SparseVector(p['embedding']).to_text()}\n"
    for p in PACKAGES[10:])))
insert = connection.prepare("INSERT INTO packages VALUES (:id, :section, :size, :v, :h, :s)")
for p in PACKAGES[:10]:
    e = numpy.array(p["embedding"])
    insert.run(id=p["id"], section=p["section"], size=p["size"], v=e, h=HalfVector(e),
               s=SparseVector(e))
connection.run("CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops)")
connection.run("CREATE INDEX sections ON packages (section)")
connection.run("ANALYZE packages")

v = Vector(QUESTIONS[0]["embedding"])
expect_index(connection.run("EXPLAIN " + PLAIN, v=v), "nearest")
expect_index(connection.run("EXPLAIN " + FILTERED, section="science", below=5000, v=v), "nearest")
check_answers(
    lambda q: [id for (id,) in connection.run(PLAIN, v=Vector(q["embedding"]))],
    lambda q: [id for (id,) in connection.run(FILTERED, section=q["section"], below=q["below"],
                                              v=Vector(q["embedding"]))])
plain, filtered = connection.prepare(PLAIN), connection.prepare(FILTERED)
check_answers(
    lambda q: [id for (id,) in plain.run(v=Vector(q["embedding"]))],
    lambda q: [id for (id,) in filtered.run(section=q["section"], below=q["below"],
                                            v=Vector(q["embedding"]))])

connection.run("BEGIN")
connection.run("""SET LOCAL "hnsw.ef_search" = '40'""")
connection.run("SET LOCAL hnsw.iterative_scan = off")
rows = connection.run("SELECT id FROM packages ORDER BY embedding <=> :v LIMIT 100", v=v)
assert len(rows) == 40, len(rows)
connection.run("ROLLBACK")

p = PACKAGES[0]
row = connection.run("SELECT embedding, half, sparse FROM packages WHERE id = :id", id=p["id"])[0]
for got, kind, most in zip(row, (Vector, HalfVector, SparseVector), (1e-7, 1e-3, 1e-7)):
    assert type(got) is kind, got
    near(got.to_list(), p["embedding"], most)
mean = connection.run("SELECT avg(embedding) FROM packages WHERE section = 'games'")[0][0]
near(mean.to_list(), numpy.mean([p["embedding"] for p in PACKAGES if p["section"] == "games"],
                                axis=0).tolist())
connection.run("INSERT INTO packages (id, embedding) VALUES (0, :v)", v=None)
assert connection.run("SELECT embedding, embedding <=> :v FROM packages WHERE id = 0", v=v) == [
    [None, None]]
connection.close()
done("COPY, prepared statements, vector, halfvec, sparsevec, NULL, settings of a transaction",
     "pg8000", "pgvector")
