from django.db import migrations, models
from pgvector.django import (BitField, HalfVectorField, HnswIndex, SparseVectorField,
                             VectorField)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_vector")]
    operations = [
        migrations.CreateModel(
            name="Package",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True,
                                           serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("section", models.CharField(db_index=True, max_length=40)),
                ("size", models.IntegerField()),
                ("embedding", VectorField(dimensions=384, null=True)),
                ("half", HalfVectorField(dimensions=384)),
                ("bits", BitField(length=384)),
                ("sparse", SparseVectorField(dimensions=384)),
            ],
            options={
                "indexes": [HnswIndex(name="nearest_vector", fields=["embedding"], m=16,
                                      ef_construction=64, opclasses=["vector_cosine_ops"])],
            },
        ),
    ]
