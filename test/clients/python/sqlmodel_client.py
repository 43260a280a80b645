"""SQLModel with pgvector-python."""

from typing import Any

import numpy
from pgvector.sqlalchemy import HALFVEC, VECTOR, avg
from sqlmodel import Field, Index, Session, SQLModel, create_engine, select, text

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near


class Package(SQLModel, table=True):
    id: int = Field(primary_key=True)
    name: str
    section: str = Field(index=True)
    size: int
    embedding: Any = Field(default=None, nullable=True, sa_type=VECTOR(384))
    half: Any = Field(default=None, sa_type=HALFVEC(384))


def nearest(q, order):
    return select(Package).order_by(order(q["embedding"])).limit(10)


def filtered(q, order):
    return nearest(q, order).where(Package.section == q["section"], Package.size < q["below"])


engine = create_engine("postgresql+psycopg://")
with Session(engine) as session:
    session.exec(text("CREATE EXTENSION IF NOT EXISTS vector"))
    session.commit()
SQLModel.metadata.create_all(engine)
with Session(engine) as session:
    for p in PACKAGES:
        session.add(Package(id=p["id"], name=p["name"], section=p["section"], size=p["size"],
                            embedding=p["embedding"], half=numpy.array(p["embedding"])))
    session.commit()
Index("nearest_vector", Package.embedding, postgresql_using="hnsw",
      postgresql_with={"m": 16, "ef_construction": 64},
      postgresql_ops={"embedding": "vector_cosine_ops"}).create(engine)
Index("nearest_half", Package.half, postgresql_using="ivfflat", postgresql_with={"lists": 10},
      postgresql_ops={"half": "halfvec_l2_ops"}).create(engine)

with Session(engine) as session:
    session.exec(text("ANALYZE package"))
    session.exec(text("SET ivfflat.probes = 8"))
    for index, order in (("nearest_vector", Package.embedding.cosine_distance),
                         ("nearest_half", Package.half.l2_distance)):
        for search in nearest, filtered:
            compiled = search(QUESTIONS[0], order).compile(
                engine, compile_kwargs={"literal_binds": True})
            expect_index(session.exec(text(f"EXPLAIN {compiled}")).all(), index)
        check_answers(lambda q: [p.id for p in session.exec(nearest(q, order))],
                      lambda q: [p.id for p in session.exec(filtered(q, order))])

    p = PACKAGES[0]
    stored = session.get(Package, p["id"])
    near(stored.embedding, p["embedding"], 1e-7)
    near(stored.half, p["embedding"], 1e-3)
    distance = session.exec(select(Package.embedding.l2_distance(PACKAGES[1]["embedding"]))
                            .where(Package.id == p["id"])).one()
    near(float(numpy.linalg.norm(numpy.subtract(p["embedding"], PACKAGES[1]["embedding"]))),
         distance)
    within = session.exec(select(Package.id).where(
        Package.embedding.cosine_distance(p["embedding"]) < 0.6)).all()
    wanted = {r["id"] for r in PACKAGES if 1 - numpy.dot(p["embedding"], r["embedding"]) < 0.6}
    assert set(within) == wanted and len(wanted) > 1, (within, wanted)
    mean = session.exec(select(avg(Package.embedding)).where(Package.section == "games")).first()
    near(mean, numpy.mean([p["embedding"] for p in PACKAGES if p["section"] == "games"],
                          axis=0).tolist())

    # A change is what the index finds next, and what is NULL is not found.
    stored.embedding = QUESTIONS[0]["embedding"]
    other = session.get(Package, QUESTIONS[0]["nearest"][0])
    other.embedding = None
    session.flush()
    ids = [p.id for p in session.exec(nearest(QUESTIONS[0], Package.embedding.cosine_distance))]
    assert ids[0] == stored.id and other.id not in ids, ids
    session.rollback()
done("models with vector and halfvec, hnsw and ivfflat, distances, avg, NULL",
     "sqlmodel", "sqlalchemy", "pgvector")
