from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField, HnswIndex, IvfflatIndex


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY cannot be in a transaction.
    atomic = False
    dependencies = [("catalog", "0002_package")]
    operations = [
        AddIndexConcurrently("package", IvfflatIndex(
            name="nearest_list", fields=["embedding"], lists=10, opclasses=["vector_l2_ops"])),
        AddIndexConcurrently("package", HnswIndex(
            OpClass(Cast("embedding", HalfVectorField(dimensions=384)), name="halfvec_ip_ops"),
            name="nearest_as_half", m=16, ef_construction=64)),
        migrations.AddIndex("package", HnswIndex(
            name="nearest_half", fields=["half"], opclasses=["halfvec_l2_ops"])),
        migrations.AddIndex("package", HnswIndex(
            name="nearest_bits", fields=["bits"], opclasses=["bit_hamming_ops"])),
        migrations.AddIndex("package", HnswIndex(
            name="nearest_sparse", fields=["sparse"], opclasses=["sparsevec_cosine_ops"])),
    ]
