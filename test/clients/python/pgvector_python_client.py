"""The classes of pgvector-python, with psycopg 3: every type to the server and back,
in text and binary; distances; searches over each type."""

import itertools

import numpy
import psycopg
from pgvector import Bit, HalfVector, SparseVector, Vector
from pgvector.psycopg import register_vector

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near

DIMENSIONS = 384

connection = psycopg.connect(autocommit=True)
connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
register_vector(connection)

VALUES = {
    "vector": [Vector([1, 2, 3]), Vector([0]), Vector([0.1, -2.5e-20, 3.4e38, 1.4e-45]),
               Vector(numpy.arange(16000) / 7)],
    "halfvec": [HalfVector([1, 2, 3]), HalfVector([0]), HalfVector([65504, -65504, 0.1, 2 ** -24]),
                HalfVector(numpy.arange(16000) / 7)],
    "sparsevec": [SparseVector([1, 0, 2, 0, 3, 0]), SparseVector({}, 1),
                  SparseVector({0: 0.1, 999999999: -1e-20}, 1000000000),
                  SparseVector(numpy.arange(16000) / 7)],
    "bit varying": [Bit("1"), Bit("101"), Bit([True, False] * 5), Bit(bytes(range(256)))],
}


def same(got, value):
    """That a value is back; bits come as text, or as the bytes of their binary format."""
    if isinstance(value, Bit):
        got = Bit.from_text(got) if isinstance(got, str) else Bit.from_binary(got)
    if isinstance(value, SparseVector):
        # The class has numbers of double precision; vectors have not.
        assert got.dimensions() == value.dimensions() and got.indices() == value.indices()
        got, value = (numpy.float32(x.values()).tolist() for x in (got, value))
    assert type(got) is type(value) and got == value, f"{got} is not {value}"[:1000]


# As parameters and results, in all combinations of formats.
for name, values in VALUES.items():
    connection.execute(f"CREATE TABLE sent (number int, value {name})")
    for binary, placeholder in itertools.product((False, True), ("%t", "%b")):
        connection.execute("TRUNCATE sent")
        for number, value in enumerate(values):
            connection.execute(f"INSERT INTO sent VALUES ({number}, {placeholder})", [value])
            row = connection.execute(f"SELECT {placeholder}::{name}", [value],
                                     binary=binary).fetchone()
            same(row[0], value)
        connection.execute("INSERT INTO sent VALUES (%s, %s)", [len(values), None])
        rows = connection.execute("SELECT value FROM sent ORDER BY number",
                                  binary=binary).fetchall()
        assert rows[-1] == (None,) and len(rows) == len(values) + 1, rows
        for (got,), value in zip(rows, values):
            same(got, value)
    connection.execute("DROP TABLE sent")

# COPY of all types and NULL, in and out, in both formats.
connection.execute("CREATE TABLE copied (v vector, h halfvec, s sparsevec, b varbit)")
# The classes know bit; varbit has the same format.
rows = list(zip(*VALUES.values())) + [(None,) * 4]
for format in "text", "binary":
    connection.execute("TRUNCATE copied")
    with connection.cursor().copy(f"COPY copied FROM STDIN (FORMAT {format})") as copy:
        copy.set_types(["vector", "halfvec", "sparsevec", "bit"])
        for row in rows:
            copy.write_row(row)
    with connection.cursor().copy(f"COPY copied TO STDOUT (FORMAT {format})") as copy:
        copy.set_types(["vector", "halfvec", "sparsevec", "bit"])
        back = list(copy.rows())
    assert len(back) == len(rows) and back[-1] == (None,) * 4, len(back)
    for got, wanted in zip(back[:-1], rows[:-1]):
        for g, w in zip(got, wanted):
            same(g, w)

# Arrays of them, and from and to arrays of numbers.
for name in "vector", "halfvec", "sparsevec":
    for binary in False, True:
        values = VALUES[name][:3]
        row = connection.execute(
            f"SELECT %s::{name}[], (SELECT array_agg(x) FROM unnest(%s) AS x)",
            [values, values], binary=binary).fetchone()
        for got in row:
            assert len(got) == len(values), got
            for g, v in zip(got, values):
                same(g, v)
row = connection.execute("SELECT %s::real[]::vector, %s::vector::real[], %s::float8[]::halfvec",
                         [[1.5, 2.0], Vector([1.5, 2]), [0.1]]).fetchone()
assert row == (Vector([1.5, 2]), [1.5, 2], HalfVector([0.1])), row

# What does not fit is refused, with the errors that clients tell apart.
for statement, parameter, error in [
        ("SELECT %b::vector(2)", Vector([1, 2, 3]), psycopg.errors.DataException),
        ("SELECT %b::vector", Vector([float("nan")]), psycopg.errors.DataException),
        ("SELECT %t::vector", Vector([float("inf")]), psycopg.errors.DataException),
        ("SELECT '[1,2]'::vector <-> %b", Vector([1]), psycopg.errors.DataException),
        ("SELECT %t::vector", "[1,x]", psycopg.errors.InvalidTextRepresentation)]:
    try:
        connection.execute(statement, [parameter])
    except error as refused:
        assert type(refused) is error, refused
    else:
        raise AssertionError(f"{statement} with {parameter}")

# Distances and functions, beside numpy's.
a, b = (numpy.array(x["embedding"]) for x in QUESTIONS[:2])
for name, most, make in ("vector", 1e-6, Vector), ("halfvec", 2e-3, HalfVector), (
        "sparsevec", 1e-6, SparseVector):
    row = connection.execute(
        f"SELECT a <-> b, a <#> b, a <=> b, a <+> b,"
        f" {'vector' if name == 'vector' else 'l2'}_norm(l2_normalize(a))"
        f" FROM (SELECT %b::{name} AS a, %b::{name} AS b) AS ab", [make(a), make(b)]).fetchone()
    wanted = [numpy.linalg.norm(a - b), -a.dot(b),
              1 - a.dot(b) / numpy.linalg.norm(a) / numpy.linalg.norm(b), abs(a - b).sum(), 1]
    near([float(x) for x in wanted], list(row), most)
x, y = a > 0, b > 0
row = connection.execute("SELECT a <~> b, a <%%> b FROM (SELECT %b AS a, %b AS b) AS ab",
                         [Bit(x), Bit(y)]).fetchone()
near([float((x != y).sum()), 1 - float((x & y).sum() / (x | y).sum())], list(row))
row = connection.execute(
    "SELECT binary_quantize(a), a + b, a - b, a * b, a || b, subvector(a, 2, 3),"
    " vector_dims(a), a < b, a = a"
    " FROM (SELECT %b::vector AS a, %b::vector AS b) AS ab", [Vector(a), Vector(b)]).fetchone()
assert Bit(row[0]) == Bit(x), row[0]
for got, wanted in zip(row[1:6], (a + b, a - b, a * b, numpy.concatenate((a, b)), a[1:4])):
    near(got.to_list(), wanted.tolist(), 1e-6)
assert row[6:] == (DIMENSIONS, a.tolist() < b.tolist(), True), row[6:]

# Packages, in each type.
connection.execute(
    f"CREATE TABLE packages (id bigint PRIMARY KEY, section text, size int,"
    f" v vector({DIMENSIONS}), h halfvec({DIMENSIONS}), s sparsevec({DIMENSIONS}),"
    f" b bit({DIMENSIONS}))")
with connection.cursor().copy("COPY packages FROM STDIN WITH (FORMAT BINARY)") as copy:
    copy.set_types(["int8", "text", "int4", "vector", "halfvec", "sparsevec", "bit"])
    for p in PACKAGES:
        e = numpy.array(p["embedding"])
        copy.write_row([p["id"], p["section"], p["size"], Vector(e), HalfVector(e),
                        SparseVector(e), Bit(e > 0)])
connection.execute("CREATE INDEX sections ON packages (section)")
for column, opclass in (("v", "vector_cosine_ops"), ("h", "halfvec_cosine_ops"),
                        ("s", "sparsevec_cosine_ops"), ("b", "bit_hamming_ops")):
    connection.execute(f"CREATE INDEX nearest_{column} ON packages USING hnsw"
                       f" ({column} {opclass})")
connection.execute("ANALYZE packages")


def search(q, order, make, where="", parameters=()):
    """The nearest; by bits, the nearest by vectors of many by bits."""
    e = numpy.array(q["embedding"])
    parameters = [*parameters, make(e)]
    inner = f"SELECT id, v FROM packages {where} ORDER BY {order} LIMIT"
    expect_index(connection.execute(f"EXPLAIN {inner} 10", parameters), f"nearest_{order[0]}")
    if order[0] == "b":
        rows = connection.execute(f"SELECT id FROM ({inner} 100) AS many"
                                  " ORDER BY v <=> %b LIMIT 10", [*parameters, Vector(e)])
    else:
        rows = connection.execute(f"{inner} 10", parameters, binary=True)
    return [row[0] for row in rows]


for order, make in (("v <=> %b", Vector), ("h <=> %b", HalfVector), ("s <=> %b", SparseVector),
                    ("b <~> %b", lambda e: Bit(e > 0))):
    check_answers(lambda q: search(q, order, make),
                  lambda q: search(q, order, make, "WHERE section = %s AND size < %s",
                                   [q["section"], q["below"]]))

# Means and sums, beside numpy's.
for column, most in ("v", 1e-6), ("h", 1e-3):
    for section in "games", "science":
        e = [p["embedding"] for p in PACKAGES if p["section"] == section]
        row = connection.execute(f"SELECT avg({column}), sum({column}) FROM packages"
                                 " WHERE section = %s", [section]).fetchone()
        near(row[0].to_list(), numpy.mean(e, axis=0).tolist(), most)
        near(row[1].to_list(), numpy.sum(e, axis=0).tolist(), 20 * most)
row = connection.execute("SELECT avg(v), sum(h) FROM packages WHERE id < 0").fetchone()
assert row == (None, None), row
done("Vector, HalfVector, SparseVector, Bit as parameters, results, arrays, in COPY, in text"
     " and binary; operators and functions; hnsw of each type, re-ranking by bits",
     "pgvector", "numpy", "psycopg")
