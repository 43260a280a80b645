"""Django with pgvector-python: the project in catalog/, with its migrations."""

import os

import django
import numpy
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Avg, Count, Sum
from django.db.models.functions import Cast
from pgvector import HalfVector, SparseVector
from pgvector.django import (CosineDistance, HalfVectorField, HammingDistance, JaccardDistance,
                             L1Distance, L2Distance, MaxInnerProduct)

from common import PACKAGES, QUESTIONS, check_answers, done, expect_index, near

os.environ["DJANGO_SETTINGS_MODULE"] = "catalog.settings"
django.setup()

from catalog.models import Package  # noqa: E402


def bits(e):
    return "".join(str(int(x > 0)) for x in e)


def nearest(query, index, v):
    """The nearest by an index; what bits find is put in order by the vectors."""
    if index == "nearest_bits":
        many = query.order_by(HammingDistance("bits", bits(v)))[:100]
        return Package.objects.filter(pk__in=many.values("pk")).order_by(
            CosineDistance("embedding", v))[:10]
    return query.order_by({
        "nearest_vector": lambda: CosineDistance("embedding", v),
        "nearest_list": lambda: L2Distance("embedding", v),
        "nearest_as_half": lambda: MaxInnerProduct(
            Cast("embedding", HalfVectorField(dimensions=384)), v),
        "nearest_half": lambda: L2Distance("half", HalfVector(v)),
        "nearest_sparse": lambda: CosineDistance("sparse", SparseVector(v)),
    }[index]())[:10]


def ask(database, *indexes):
    packages = Package.objects.using(database)

    def filtered(q):
        return packages.filter(section=q["section"], size__lt=q["below"])

    def ids(query, index, q):
        return nearest(query, index, q["embedding"]).values_list("pk", flat=True)

    for index in indexes:
        for query in packages, filtered(QUESTIONS[0]):
            expect_index([nearest(query, index, QUESTIONS[0]["embedding"]).explain()], index)
        check_answers(lambda q: ids(packages, index, q), lambda q: ids(filtered(q), index, q))


def values(database):
    """What was stored is back; distances, means and sums, changes, NULL."""
    packages = Package.objects.using(database)
    p, q = PACKAGES[0], PACKAGES[1]
    a, b = numpy.array(p["embedding"]), numpy.array(q["embedding"])
    stored = packages.get(pk=p["id"])
    near(stored.embedding, p["embedding"], 1e-7)
    near(stored.half, p["embedding"], 1e-3)
    near(stored.sparse.to_list(), p["embedding"], 1e-7)
    assert stored.bits == bits(a), stored.bits
    row = packages.filter(pk=p["id"]).values_list(
        L2Distance("embedding", b), MaxInnerProduct("embedding", b),
        CosineDistance("embedding", b), L1Distance("embedding", b), L2Distance("half", b),
        L1Distance("sparse", SparseVector(b)), HammingDistance("bits", bits(b)),
        JaccardDistance("bits", bits(b))).get()
    x, y = a > 0, b > 0
    near([float(f) for f in (
        numpy.linalg.norm(a - b), -a.dot(b), 1 - a.dot(b), abs(a - b).sum(),
        numpy.linalg.norm(a - b), abs(a - b).sum(), (x != y).sum(),
        1 - (x & y).sum() / (x | y).sum())], list(row), 1e-3)
    within = packages.alias(distance=L2Distance("embedding", a)).filter(distance__lt=1.1)
    wanted = {r["id"] for r in PACKAGES
              if numpy.linalg.norm(a - numpy.array(r["embedding"])) < 1.1}
    assert {r.pk for r in within} == wanted and len(wanted) > 1, (within, wanted)
    # By the vector of another row.
    like = packages.filter(pk=p["id"]).values("embedding")
    rows = packages.annotate(distance=CosineDistance("embedding", like)).order_by("distance")[:2]
    assert rows[0].pk == p["id"] and rows[1].distance > 0, rows
    near(rows[0].distance, 0.0)

    for row in packages.values("section").annotate(
            number=Count("*"), mean=Avg("embedding"), total=Sum("half")):
        e = [r["embedding"] for r in PACKAGES if r["section"] == row["section"]]
        assert row["number"] == len(e), row["section"]
        near(row["mean"], numpy.mean(e, axis=0).tolist())
        near(row["total"], numpy.sum(e, axis=0).tolist(), 0.05)

    with transaction.atomic(using=database):
        stored.embedding = QUESTIONS[0]["embedding"]
        stored.save()
        other = packages.get(pk=q["id"])
        other.embedding = None
        packages.bulk_update([other], ["embedding", "half", "sparse"])
        found = nearest(packages, "nearest_vector", QUESTIONS[0]["embedding"])
        assert found[0].pk == stored.pk, found[0]
        rows = list(packages.order_by(CosineDistance("embedding", b)).values_list("pk", flat=True))
        assert len(rows) == len(PACKAGES) and rows[-1] == q["id"], rows[-1]
        assert packages.get(embedding__isnull=True).pk == q["id"]
        transaction.set_rollback(True, using=database)


def settings(database):
    many = Package.objects.using(database).order_by(
        CosineDistance("embedding", QUESTIONS[0]["embedding"]))[:100]
    with transaction.atomic(using=database), connections[database].cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.ef_search = %s" if database == "default"
                       else "SELECT set_config('hnsw.ef_search', %s, true)", ["40"])
        cursor.execute("SET LOCAL hnsw.iterative_scan = off")
        assert len(many) == 40, len(many)
    # By a cursor in the server.
    assert len({p.pk for p in many.iterator(chunk_size=30)}) == 100


call_command("migrate", "catalog", "0002", verbosity=0)
Package.objects.bulk_create([
    Package(id=p["id"], name=p["name"], section=p["section"], size=p["size"],
            embedding=p["embedding"], half=numpy.array(p["embedding"]),
            bits=bits(p["embedding"]), sparse=SparseVector(p["embedding"])) for p in PACKAGES],
    batch_size=250)
call_command("migrate", verbosity=0)
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE catalog_package")
    cursor.execute("""SET "ivfflat.probes" = '8'""")
ask("default", "nearest_vector", "nearest_list", "nearest_as_half", "nearest_half",
    "nearest_bits", "nearest_sparse")
ask("bound", "nearest_vector", "nearest_sparse")
# Versions of rows that are dead would count among the 40: settings first.
for database in "default", "bound":
    settings(database)
for database in "default", "bound":
    values(database)
with connections["bound"].cursor() as cursor:
    cursor.execute("SHOW hnsw.ef_search")
    assert cursor.fetchone() == ("123",)

# Rows as text, to a file and back.
fixture = os.path.join(os.environ["VDB_OUT"], "packages.json")
call_command("dumpdata", "catalog.package", primary_keys="1,2,3", output=fixture, verbosity=0)
before = list(Package.objects.filter(pk__lte=3).order_by("pk").values())
Package.objects.filter(pk__lte=3).delete()
call_command("loaddata", fixture, verbosity=0)
assert list(Package.objects.filter(pk__lte=3).order_by("pk").values()) == before, before

# And all of it undone.
call_command("migrate", "catalog", "zero", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")
    assert cursor.fetchone() == (0,)
done("migrations forth and back, makemigrations --check, all fields and distances, hnsw and"
     " ivfflat, an index of an expression, annotate, filter, aggregate, fixtures; parameters"
     " bound by client and by server", "django", "pgvector", "psycopg")
