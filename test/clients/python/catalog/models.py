from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Cast
from pgvector.django import (BitField, HalfVectorField, HnswIndex, IvfflatIndex,
                             SparseVectorField, VectorField)


class Package(models.Model):
    name = models.TextField()
    section = models.CharField(max_length=40, db_index=True)
    size = models.IntegerField()
    embedding = VectorField(dimensions=384, null=True)
    half = HalfVectorField(dimensions=384)
    bits = BitField(length=384)
    sparse = SparseVectorField(dimensions=384)

    class Meta:
        indexes = [
            HnswIndex(name="nearest_vector", fields=["embedding"], m=16, ef_construction=64,
                      opclasses=["vector_cosine_ops"]),
            IvfflatIndex(name="nearest_list", fields=["embedding"], lists=10,
                         opclasses=["vector_l2_ops"]),
            HnswIndex(OpClass(Cast("embedding", HalfVectorField(dimensions=384)),
                              name="halfvec_ip_ops"),
                      name="nearest_as_half", m=16, ef_construction=64),
            HnswIndex(name="nearest_half", fields=["half"], opclasses=["halfvec_l2_ops"]),
            HnswIndex(name="nearest_bits", fields=["bits"], opclasses=["bit_hamming_ops"]),
            HnswIndex(name="nearest_sparse", fields=["sparse"],
                      opclasses=["sparsevec_cosine_ops"]),
        ]
