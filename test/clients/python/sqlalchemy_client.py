"""SQLAlchemy with pgvector-python, over psycopg, psycopg2 and asyncpg."""

import asyncio
from typing import Any

import numpy
import pgvector.psycopg
import pgvector.psycopg2
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pgvector import SparseVector
from pgvector.sqlalchemy import BIT, HALFVEC, SPARSEVEC, VECTOR, avg, sum
from sqlalchemy import (ARRAY, Engine, Index, MetaData, Table, create_engine, event, inspect,
                        select, text)
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.sql import func

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near


class Base(DeclarativeBase):
    pass


class Package(Base):
    __tablename__ = "packages"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    section: Mapped[str] = mapped_column(index=True)
    size: Mapped[int]
    embedding: Mapped[Any] = mapped_column(VECTOR(384))
    half: Mapped[Any] = mapped_column(HALFVEC(384))
    bits: Mapped[Any] = mapped_column(BIT(384))
    sparse: Mapped[Any] = mapped_column(SPARSEVEC(384))
    __table_args__ = (
        Index("nearest_cosine", "embedding", postgresql_using="hnsw",
              postgresql_with={"m": 16, "ef_construction": 64},
              postgresql_ops={"embedding": "vector_cosine_ops"}),)


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    embedding: Mapped[Any] = mapped_column(VECTOR(2), nullable=True)
    embeddings: Mapped[Any] = mapped_column(ARRAY(VECTOR(3), dimensions=1), nullable=True)


def package(p):
    return Package(id=p["id"], name=p["name"], section=p["section"], size=p["size"],
                   embedding=p["embedding"], half=numpy.array(p["embedding"]),
                   bits="".join(str(int(x > 0)) for x in p["embedding"]),
                   sparse=SparseVector(p["embedding"]))


def more_indexes():
    return [
        Index("nearest_half", Package.half, postgresql_using="hnsw",
              postgresql_ops={"half": "halfvec_ip_ops"}),
        Index("nearest_l2", Package.embedding, postgresql_using="ivfflat",
              postgresql_with={"lists": 10}, postgresql_ops={"embedding": "vector_l2_ops"}),
        Index("nearest_as_half", func.cast(Package.embedding, HALFVEC(384)).label("embedding"),
              postgresql_using="hnsw", postgresql_with={"m": 16, "ef_construction": 64},
              postgresql_ops={"embedding": "halfvec_l2_ops"}),
        Index("nearest_as_bits",
              func.cast(func.binary_quantize(Package.embedding), BIT(384)).label("embedding"),
              postgresql_using="hnsw", postgresql_ops={"embedding": "bit_hamming_ops"}),
        Index("nearest_sparse", Package.sparse, postgresql_using="hnsw",
              postgresql_ops={"sparse": "sparsevec_cosine_ops"})]


# What to order by, and the index for it.
ORDERS = {
    "nearest_cosine": lambda v: Package.embedding.cosine_distance(v),
    "nearest_l2": lambda v: Package.embedding.l2_distance(v),
    "nearest_half": lambda v: Package.half.max_inner_product(v),
    "nearest_as_half": lambda v: func.cast(Package.embedding, HALFVEC(384)).l2_distance(v),
    "nearest_as_bits": lambda v: func.cast(
        func.binary_quantize(Package.embedding), BIT(384)).hamming_distance(
            func.binary_quantize(func.cast(v, VECTOR(384)))),
    "nearest_sparse": lambda v: Package.sparse.cosine_distance(SparseVector(v))}


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def explain(connection, cursor, statement, parameters, context, executemany):
    if context.execution_options.get("explain"):
        statement = "EXPLAIN " + statement
    return statement, parameters


def searches(index):
    """Two functions of a question that make statements, for ids by this index.  What bits
    find is put in order by the vectors."""
    order = ORDERS[index]

    def rank(statement, v):
        if index != "nearest_as_bits":
            return statement.with_only_columns(Package.id).order_by(order(v)).limit(10)
        many = statement.order_by(order(v)).limit(100).subquery()
        return select(many.c.id).order_by(many.c.embedding.cosine_distance(v)).limit(10)

    return (lambda q: rank(select(Package), q["embedding"]),
            lambda q: rank(select(Package).where(Package.section == q["section"],
                                                 Package.size < q["below"]), q["embedding"]))


def ask(session, index):
    for search in searches(index):
        plan = session.scalars(search(QUESTIONS[0]), execution_options={"explain": True}).all()
        expect_index(plan, index)
    check_answers(*[lambda q, search=search: session.scalars(search(q)).all()
                    for search in searches(index)])


def values(session):
    """What was stored is back; distances, means, sums, NULL, arrays."""
    p, q = PACKAGES[0], PACKAGES[1]
    a, b = numpy.array(p["embedding"]), numpy.array(q["embedding"])
    stored = session.get(Package, p["id"])
    near(stored.embedding, p["embedding"], 1e-7)
    near(stored.half, p["embedding"], 1e-3)
    near(stored.sparse.to_list(), p["embedding"], 1e-7)
    assert stored.bits == "".join(str(int(x > 0)) for x in p["embedding"]), stored.bits
    row = session.execute(select(
        Package.embedding.l2_distance(b), Package.embedding.max_inner_product(b),
        Package.embedding.cosine_distance(b), Package.embedding.l1_distance(b),
        Package.half.l2_distance(b), Package.sparse.l1_distance(SparseVector(b)),
        Package.bits.hamming_distance(package(q).bits),
        Package.bits.jaccard_distance(package(q).bits)).where(Package.id == p["id"])).one()
    x, y = a > 0, b > 0
    near([float(f) for f in (
        numpy.linalg.norm(a - b), -a.dot(b), 1 - a.dot(b), abs(a - b).sum(),
        numpy.linalg.norm(a - b), abs(a - b).sum(), (x != y).sum(),
        1 - (x & y).sum() / (x | y).sum())], list(row), 1e-3)
    within = session.scalars(select(Package.id).filter(
        Package.embedding.l2_distance(p["embedding"]) < 1.1)).all()
    wanted = {r["id"] for r in PACKAGES if numpy.linalg.norm(
        a - numpy.array(r["embedding"])) < 1.1}
    assert set(within) == wanted and len(wanted) > 1, (within, wanted)

    rows = session.execute(select(Package.section, avg(Package.embedding), sum(Package.half))
                           .group_by(Package.section).order_by(Package.section)).all()
    assert len(rows) == len({r["section"] for r in PACKAGES}), len(rows)
    for section, mean, total in rows:
        e = [r["embedding"] for r in PACKAGES if r["section"] == section]
        near(mean, numpy.mean(e, axis=0).tolist())
        near(total, numpy.sum(e, axis=0).tolist(), 0.05)

    session.add_all([Item(id=1, embedding=[1, 2]), Item(id=2, embedding=None),
                     Item(id=3, embedding=numpy.array([2.5, -1]))])
    session.flush()
    rows = session.execute(select(Item.id, Item.embedding, Item.embedding.l1_distance([2, 2]))
                           .order_by(Item.embedding.l1_distance([2, 2]))).all()
    assert rows == [(1, [1, 2], 1), (3, [2.5, -1], 3.5), (2, None, None)], rows
    session.rollback()


def settings(session):
    order = ORDERS["nearest_cosine"](QUESTIONS[0]["embedding"])
    many = select(Package.id).order_by(order).limit(100)
    with session.begin():
        session.execute(text("SET LOCAL hnsw.ef_search = 40"))
        session.execute(text("SET LOCAL hnsw.iterative_scan = off"))
        assert len(session.scalars(many).all()) == 40
    with session.begin():
        # A cursor in the server, read in parts.
        parts = list(session.scalars(many, execution_options={"yield_per": 30}).partitions())
        assert [len(part) for part in parts] == [30, 30, 30, 10], parts
        session.execute(text("""SET LOCAL "hnsw.ef_search" = '200'"""))
        ask(session, "nearest_cosine")


def arrays(session):
    value = [numpy.array([1, 2, 3]), numpy.array([4, 5.5, 6])]
    session.add(Item(id=4, embeddings=value))
    session.flush()
    session.expire_all()
    got = session.get(Item, 4).embeddings
    assert got == [v.tolist() for v in value], got
    session.rollback()


def reflection(engine):
    """The catalogs tell SQLAlchemy the table and the indexes that it has made."""
    table = Table("packages", MetaData(), autoload_with=engine)
    for column, kind in (("embedding", VECTOR), ("half", HALFVEC), ("sparse", SPARSEVEC)):
        assert isinstance(table.c[column].type, kind), table.c[column].type
        assert table.c[column].type.dim == 384, table.c[column].type.dim
    assert table.c.bits.type.length == 384, table.c.bits.type
    indexes = {index["name"]: index for index in inspect(engine).get_indexes("packages")}
    assert set(indexes) == {index.name for index in Package.__table__.indexes}, set(indexes)
    # An operator class is told where it is not the default of its type.
    for name, options in (
            ("nearest_cosine", {"using": "hnsw", "with": {"m": "16", "ef_construction": "64"},
                                "ops": {"embedding": "vector_cosine_ops"}}),
            ("nearest_l2", {"using": "ivfflat", "with": {"lists": "10"}}),
            ("nearest_half", {"using": "hnsw", "ops": {"half": "halfvec_ip_ops"}})):
        told = indexes[name]["dialect_options"]
        for option, value in options.items():
            assert told[f"postgresql_{option}"] == value, told
    expressions = indexes["nearest_as_bits"]["expressions"]
    assert expressions == ["(binary_quantize(embedding)::bit(384))"], expressions
    # The table from the catalogs can be made again, but for indexes of expressions, whose
    # operator classes SQLAlchemy does not ask for; Alembic finds nothing that differs.
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA again"))
        copy = table.to_metadata(MetaData(), schema="again")
        copy.indexes -= {index for index in copy.indexes if "_as_" in index.name}
        copy.create(connection)
        for index in inspect(connection).get_indexes("packages", "again"):
            assert index == indexes[index["name"]], index
        copy.drop(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
        assert differences == [], differences


def filter_columns(session):
    """The columns that a search filters by are columns of the index."""
    index = Index("nearest_filtered", Package.embedding, Package.section, Package.size,
                  postgresql_using="hnsw", postgresql_ops={"embedding": "vector_cosine_ops"})
    session.execute(text("DROP INDEX nearest_cosine"))
    index.create(session.connection())
    plan = session.scalars(searches("nearest_cosine")[1](QUESTIONS[0]),
                           execution_options={"explain": True}).all()
    expect_index(plan, "nearest_filtered")
    expect_index(plan, "Index Cond: (((section)::text = 'science'::text) AND (size < 5000))")
    check_answers(*[lambda q, search=search: session.scalars(search(q)).all()
                    for search in searches("nearest_cosine")])
    session.rollback()


def over_psycopg():
    engine = create_engine("postgresql+psycopg://")
    with Session(engine) as session:
        session.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        session.commit()
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([package(p) for p in PACKAGES])
        session.commit()
    for index in more_indexes():
        index.create(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE packages"))
    with Session(engine) as session:
        session.execute(text("SET ivfflat.probes = 8"))
        for index in ORDERS:
            ask(session, index)
        values(session)
    with Session(engine) as session:
        settings(session)
    reflection(engine)
    with Session(engine) as session:
        filter_columns(session)
    engine.dispose()


def over_psycopg2():
    engine = create_engine("postgresql+psycopg2://",
                           connect_args={"options": "-c hnsw.ef_search=123"})
    with Session(engine) as session:
        ask(session, "nearest_cosine")
        assert session.scalar(text("SHOW hnsw.ef_search")) == "123"
        values(session)
    with Session(engine) as session:
        settings(session)
    engine.dispose()


def with_arrays(driver, register):
    """With the driver's own types, which arrays need."""
    engine = create_engine(f"postgresql+{driver}://")
    event.listens_for(engine, "connect")(lambda connection, record: register(connection))
    with Session(engine) as session:
        arrays(session)
        ask(session, "nearest_half")
        values(session)
    engine.dispose()


async def over_asyncpg():
    engine = create_async_engine("postgresql+asyncpg://")
    async with AsyncSession(engine) as session:
        await session.run_sync(ask, "nearest_cosine")
        await session.run_sync(ask, "nearest_as_bits")
        await session.run_sync(values)
    async with AsyncSession(engine) as session:
        await session.run_sync(settings)
    await engine.dispose()


over_psycopg()
over_psycopg2()
with_arrays("psycopg", pgvector.psycopg.register_vector)
with_arrays("psycopg2", pgvector.psycopg2.register_vector)
asyncio.run(over_asyncpg())
done("all columns and distances, avg and sum, indexes of columns and of expressions, re-ranking,"
     " reflection, Alembic's comparison, over psycopg, psycopg2 and asyncpg",
     "sqlalchemy", "pgvector", "alembic")
