"""Set-up of doc/migrate.md: the same 1,000 packages as each system keeps them.

test/data/packages.copy has them in PostgreSQL's binary format.
"""

import json
import os
import struct
import uuid
from pathlib import Path

import numpy

DATA = Path(__file__).resolve().parent.parent / "data"


def copied(name):
    """The rows of a binary COPY file, as lists of bytes."""
    data = (DATA / name).read_bytes()
    at = 19
    while (fields := struct.unpack_from(">h", data, at)[0]) >= 0:
        at += 2
        row = []
        for _ in range(fields):
            length, = struct.unpack_from(">i", data, at)
            row.append(data[at + 4:at + 4 + length])
            at += 4 + length
        yield row


def unit(field):
    """An int8vec, behind its four bytes of header, at length 1."""
    vector = numpy.frombuffer(field, dtype=numpy.int8, offset=4).astype(numpy.float32)
    return vector / numpy.linalg.norm(vector)


rows = sorted(copied("packages.copy"))[::4]
names = [row[0].decode() for row in rows]
sections = [row[1].decode() for row in rows]
summaries = [row[2].decode() for row in rows]
sizes = [struct.unpack(">i", row[4])[0] for row in rows]
vectors = numpy.stack([unit(row[5]) for row in rows])
ids = numpy.arange(len(rows)) * 7 + 1000
metadata = [{"section": section, "size": size} for section, size in zip(sections, sizes)]
questions = list(copied("questions.copy"))

numpy.save("packages.npy", vectors)
numpy.save("ids.npy", ids)
numpy.save("questions.npy", numpy.stack([unit(row[2]) for row in questions]))
Path("names.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def write_faiss():
    import faiss
    index = faiss.IndexIDMap(faiss.IndexFlatIP(384))
    index.add_with_ids(vectors, ids)
    faiss.write_index(index, "packages.faiss")
    faiss.omp_set_num_threads(1)
    ivf = faiss.index_factory(384, "IVF20,Flat", faiss.METRIC_INNER_PRODUCT)
    ivf.train(vectors)
    ivf.add_with_ids(vectors, ids)
    faiss.write_index(ivf, "packages-ivf.faiss")


def write_chroma():
    import chromadb
    collection = chromadb.PersistentClient(path="chroma").create_collection(
        "packages", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
    collection.add(ids=names, embeddings=vectors, documents=summaries, metadatas=metadata)


def write_qdrant():
    from qdrant_client import QdrantClient, models
    client = QdrantClient(path="qdrant")
    client.create_collection("packages", vectors_config=models.VectorParams(
        size=384, distance=models.Distance.COSINE))
    client.upload_points("packages", [
        models.PointStruct(id=id, vector=vector, payload={"name": name, **fields})
        for id, vector, name, fields in zip(ids.tolist(), vectors.tolist(), names, metadata)])
    client.close()


def write_lance():
    import lancedb
    import pyarrow
    lancedb.connect("lancedb").create_table("packages", pyarrow.table({
        "id": ids, "name": names, "size": pyarrow.array(sizes, pyarrow.int32()),
        "vector": pyarrow.FixedSizeListArray.from_arrays(vectors.ravel(), 384)}))


def write_milvus():
    from pymilvus import MilvusClient
    client = MilvusClient("milvus.db")
    client.create_collection("packages", dimension=384, metric_type="COSINE")
    client.insert("packages", [
        {"id": id, "vector": vector, "name": name, **fields}
        for id, vector, name, fields in zip(ids.tolist(), vectors, names, metadata)])
    client.close()


def write_parquet():
    import pyarrow
    from pyarrow import parquet
    parquet.write_table(pyarrow.table({
        "id": names, "values": pyarrow.array(list(vectors), pyarrow.list_(pyarrow.float32())),
        "metadata": [json.dumps(fields) for fields in metadata]}), "packages.parquet",
        row_group_size=300)


def write_pinecone():
    with open("pinecone.jsonl", "w", encoding="utf-8") as file:
        for name, vector, fields in zip(names, vectors.tolist(), metadata):
            json.dump({"id": name, "values": vector, "metadata": fields}, file)
            file.write("\n")


def write_weaviate():
    objects = [{"class": "Package", "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
                "properties": {"name": name, **fields}, "vector": vector}
               for name, vector, fields in zip(names, vectors.tolist(), metadata)]
    with open("weaviate.json", "w", encoding="utf-8") as file:
        json.dump(sorted(objects, key=lambda o: o["id"]), file)


def write_vecs():
    """Two of the formats of benchmarks: the dimension, and the elements, of each vector."""
    header = numpy.full((len(vectors), 1), 384, dtype="<i4")
    numpy.hstack([header, vectors.view("<i4")]).tofile("packages.fvecs")
    # As in SIFT, whose elements are from 0 to 255.
    ints = numpy.rint(vectors * 400 + 128).clip(0, 255).astype(numpy.uint8)
    numpy.hstack([header.view(numpy.uint8), ints]).tofile("packages.bvecs")


for write in [write_faiss, write_chroma, write_qdrant, write_lance, write_milvus,
              write_parquet, write_pinecone, write_weaviate, write_vecs]:
    # A library may not like what another has open.
    if (child := os.fork()) == 0:
        try:
            write()
        except BaseException:
            __import__("traceback").print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, write.__name__
