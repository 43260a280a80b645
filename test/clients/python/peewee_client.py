"""Peewee with pgvector-python, over psycopg2 and psycopg 3."""

import os

import numpy
import psycopg
from peewee import (BigIntegerField, IntegerField, Model, PostgresqlDatabase, SQL, TextField,
                    chunked, fn)
from pgvector import SparseVector
from pgvector.peewee import FixedBitField, HalfVectorField, SparseVectorField, VectorField

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near


class Package(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    section = TextField(index=True)
    size = IntegerField()
    embedding = VectorField(dimensions=384, null=True)
    half = HalfVectorField(dimensions=384)
    bits = FixedBitField(max_length=384)
    sparse = SparseVectorField(dimensions=384)


Package.add_index("embedding vector_cosine_ops", using="hnsw")


def bits(e):
    return "".join(str(int(x > 0)) for x in e)


def nearest(query, index, v):
    if index == "package_embedding":
        return query.order_by(Package.embedding.cosine_distance(v)).limit(10)
    if index == "nearest_half":
        return query.order_by(Package.half.l2_distance(numpy.array(v))).limit(10)
    if index == "nearest_sparse":
        return query.order_by(Package.sparse.max_inner_product(SparseVector(v))).limit(10)
    # What bits find is put in order by the vectors.
    many = query.order_by(Package.bits.hamming_distance(bits(v))).limit(100)
    return Package.select().where(Package.id.in_(many)).order_by(
        Package.embedding.cosine_distance(v)).limit(10)


def filtered(q):
    return Package.select(Package.id).where(
        (Package.section == q["section"]) & (Package.size < q["below"]))


def ask():
    for index in "package_embedding", "nearest_half", "nearest_sparse", "nearest_bits":
        for query in Package.select(Package.id), filtered(QUESTIONS[0]):
            sql, parameters = nearest(query, index, QUESTIONS[0]["embedding"]).sql()
            plan = Package._meta.database.execute_sql("EXPLAIN " + sql, parameters)
            expect_index(plan.fetchall(), index)
        check_answers(
            lambda q: [p.id for p in nearest(Package.select(Package.id), index, q["embedding"])],
            lambda q: [p.id for p in nearest(filtered(q), index, q["embedding"])])


def values():
    """What was stored is back; distances, mean and sum, NULL."""
    p, q = PACKAGES[0], PACKAGES[1]
    a, b = numpy.array(p["embedding"]), numpy.array(q["embedding"])
    stored = Package.get_by_id(p["id"])
    near(stored.embedding, p["embedding"], 1e-7)
    near(stored.half, p["embedding"], 1e-3)
    near(stored.sparse.to_list(), p["embedding"], 1e-7)
    assert stored.bits == bits(a), stored.bits
    row = Package.select(
        Package.embedding.l2_distance(b), Package.embedding.max_inner_product(b),
        Package.embedding.cosine_distance(b), Package.embedding.l1_distance(b),
        Package.half.l1_distance(b), Package.sparse.cosine_distance(SparseVector(b)),
        Package.bits.hamming_distance(bits(b)), Package.bits.jaccard_distance(bits(b))
    ).where(Package.id == p["id"]).tuples().get()
    x, y = a > 0, b > 0
    near([float(f) for f in (
        numpy.linalg.norm(a - b), -a.dot(b), 1 - a.dot(b), abs(a - b).sum(), abs(a - b).sum(),
        1 - a.dot(b), (x != y).sum(), 1 - (x & y).sum() / (x | y).sum())], list(row), 1e-3)
    within = {r.id for r in Package.select().where(Package.embedding.l2_distance(a) < 1.1)}
    wanted = {r["id"] for r in PACKAGES
              if numpy.linalg.norm(a - numpy.array(r["embedding"])) < 1.1}
    assert within == wanted and len(wanted) > 1, (within, wanted)
    games = Package.select(fn.avg(Package.embedding).coerce(True)).where(
        Package.section == "games")
    e = [r["embedding"] for r in PACKAGES if r["section"] == "games"]
    near(games.scalar(), numpy.mean(e, axis=0).tolist())
    total = Package.select(fn.sum(Package.half).coerce(True)).where(Package.section == "games")
    near(total.scalar(), numpy.sum(e, axis=0).tolist(), 0.05)
    with Package._meta.database.atomic() as transaction:
        Package.update(embedding=None).where(Package.id == p["id"]).execute()
        distance = Package.embedding.cosine_distance(a)
        rows = list(Package.select(Package.id, distance).order_by(distance).tuples())
        assert len(rows) == len(PACKAGES) and rows[-1] == (p["id"], None), rows[-1]
        transaction.rollback()


first = PostgresqlDatabase(os.environ["PGDATABASE"])
first.execute_sql("CREATE EXTENSION IF NOT EXISTS vector")
Package.bind(first)
first.create_tables([Package])
rows = [{"id": p["id"], "name": p["name"], "section": p["section"], "size": p["size"],
         "embedding": p["embedding"], "half": numpy.array(p["embedding"]),
         "bits": bits(p["embedding"]), "sparse": SparseVector(p["embedding"])} for p in PACKAGES]
with first.atomic():
    for batch in chunked(rows, 200):
        Package.insert_many(batch).execute()
Package.add_index(SQL("CREATE INDEX IF NOT EXISTS nearest_half ON package"
                      " USING hnsw (half halfvec_l2_ops) WITH (m = 16, ef_construction = 64)"))
Package.add_index("bits bit_hamming_ops", using="hnsw", name="nearest_bits")
Package.add_index("sparse sparsevec_ip_ops", using="hnsw", name="nearest_sparse")
Package.create_table(safe=True)
first.execute_sql("ANALYZE package")
ask()
values()
with first.atomic():
    first.execute_sql("SET LOCAL hnsw.ef_search = 40")
    first.execute_sql("SET LOCAL hnsw.iterative_scan = off")
    many = nearest(Package.select(Package.id), "package_embedding", QUESTIONS[0]["embedding"])
    assert len(list(many.limit(100))) == 40
first.close()

second = PostgresqlDatabase(os.environ["PGDATABASE"], prefer_psycopg3=True)
Package.bind(second)
assert isinstance(second.connection(), psycopg.Connection)
ask()
values()
done("vector, halfvec, bit and sparsevec fields, hnsw on each, re-ranking, avg and sum, NULL,"
     " over psycopg2 and psycopg", "peewee", "pgvector")
