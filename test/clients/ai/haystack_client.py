"""Haystack's PgvectorDocumentStore, and its retrievers."""

import asyncio
import os

os.environ["PG_CONN_STR"] = (
    "postgresql://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(**os.environ))

from haystack import Pipeline
from haystack.dataclasses import Document
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.retrievers.pgvector import (PgvectorEmbeddingRetriever,
                                                                  PgvectorKeywordRetriever)
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

from common import PACKAGES, QUESTIONS, Recall, done
from shared import Scans, execute, floats, prefer_indexes

prefer_indexes()
DOCUMENTS = [
    Document(id=str(p["id"]), content=p["summary"], embedding=floats(p["embedding"]), meta={
        "name": p["name"], "section": p["section"], "size": p["size"],
        "tags": [p["section"], p["name"][0]]})
    for p in PACKAGES]


def open_store(table, **options):
    return PgvectorDocumentStore(table_name=table, embedding_dimension=384,
                                 hnsw_index_name=f"{table}_near",
                                 keyword_index_name=f"{table}_words", **options)


def ids(found):
    return [int(document.id) for document in found]


def all_of(*conditions):
    return {"operator": "AND", "conditions": list(conditions)}


def one(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


def searches(store):
    """What searches find, and what is right."""
    pipeline = Pipeline()
    pipeline.add_component("retriever", PgvectorEmbeddingRetriever(document_store=store, top_k=10))
    for q in QUESTIONS:
        for filters, right in [
                (None, q["nearest"]),
                (all_of(one("meta.section", "==", q["section"]),
                        one("meta.size", "<", q["below"])), q["nearest_filtered"])]:
            result = pipeline.run({"retriever": {"query_embedding": floats(q["embedding"]),
                                                 "filters": filters}})
            yield ids(result["retriever"]["documents"]), right


store = open_store("exact", search_strategy="exact_nearest_neighbor", recreate_table=True)
assert store.write_documents(DOCUMENTS) == len(DOCUMENTS)
assert store.write_documents(DOCUMENTS[:10], DuplicatePolicy.OVERWRITE) == 10
assert store.write_documents(DOCUMENTS[:10], DuplicatePolicy.SKIP) == 0
assert store.count_documents() == len(DOCUMENTS)
for got, right in searches(store):
    assert got == right, f"{got}, not {right}"

# Filters, and what they mean.
SECTIONS = ["net", "web"]
for condition, wanted in [
        (one("meta.section", "!=", "utils"), lambda p: p["section"] != "utils"),
        (one("meta.section", "in", SECTIONS), lambda p: p["section"] in SECTIONS),
        (one("meta.section", "not in", SECTIONS), lambda p: p["section"] not in SECTIONS),
        (all_of(one("meta.size", ">", 100), one("meta.size", "<=", 1000)),
         lambda p: 100 < p["size"] <= 1000),
        (one("meta.name", "like", "g%"), lambda p: p["name"].startswith("g")),
        (one("meta.name", "not like", "g%"), lambda p: not p["name"].startswith("g")),
        (one("meta.tags", "array_contains", ["g"]), lambda p: p["name"][0] == "g"),
        (one("meta.tags", "array_overlaps", ["games", "g"]),
         lambda p: p["section"] == "games" or p["name"][0] == "g"),
        ({"operator": "OR", "conditions": [one("meta.section", "==", "games"),
                                           one("meta.size", ">=", 50000)]},
         lambda p: p["section"] == "games" or p["size"] >= 50000)]:
    expected = {p["id"] for p in PACKAGES if wanted(p)}
    assert expected and set(ids(store.filter_documents(condition))) == expected, condition
    retriever = PgvectorEmbeddingRetriever(document_store=store, top_k=10)
    v = floats(QUESTIONS[0]["embedding"])
    nearest = execute("SELECT id FROM exact WHERE id IN ({}) ORDER BY embedding <=> '{}' LIMIT 10"
                      .format(", ".join(f"'{i}'" for i in expected), v))
    found = retriever.run(query_embedding=v, filters=condition)["documents"]
    assert ids(found) == [int(row[0]) for row in nearest], condition

words = {int(row[0]) for row in execute(
    "SELECT id FROM exact WHERE to_tsvector('english', content) @@ plainto_tsquery('networks')")}
found = PgvectorKeywordRetriever(document_store=store, top_k=1000).run(query="networks")
assert words and set(ids(found["documents"])) == words, ids(found["documents"])
found = PgvectorKeywordRetriever(document_store=store, top_k=1000).run(
    query="networks", filters=one("meta.section", "==", "net"))
assert set(ids(found["documents"])) == {
    p["id"] for p in PACKAGES if p["id"] in words and p["section"] == "net"}

# As many vectors as rows, and each what it was.
stored = {d.id: d.embedding for d in store.filter_documents()}
for d in DOCUMENTS:
    assert max(abs(a - b) for a, b in zip(stored[d.id], d.embedding)) < 1e-6, d.id
store.close()

# With unit length, what is near is the same by both distances.
for table, options in [
        ("cosine", {"vector_function": "cosine_similarity"}),
        ("inner", {"vector_function": "inner_product"}),
        ("half", {"vector_function": "cosine_similarity", "vector_type": "halfvec"})]:
    store = open_store(table, search_strategy="hnsw", hnsw_ef_search=80,
                       hnsw_index_creation_kwargs={"m": 16, "ef_construction": 64}, **options)
    store.write_documents(DOCUMENTS)
    store.close()
    recall, scans = Recall(), Scans(f"{table}_near")
    for got, right in searches(store):
        recall.add(got, right)
    recall.check()
    store.close()
    scans.expect(2 * len(QUESTIONS))


async def asked():
    """Questions one after the other: a store has one connection."""
    store = open_store("cosine", search_strategy="hnsw")
    retriever = PgvectorEmbeddingRetriever(document_store=store, top_k=10)
    answers = [await retriever.run_async(query_embedding=floats(q["embedding"]))
               for q in QUESTIONS]
    await store.close_async()
    return answers


recall = Recall()
for answer, q in zip(asyncio.run(asked()), QUESTIONS):
    recall.add(ids(answer["documents"]), q["nearest"])
recall.check()
store = open_store("cosine")
assert store.delete_by_filter(one("meta.section", "==", "utils")) == sum(
    p["section"] == "utils" for p in PACKAGES)
assert store.count_documents() == sum(p["section"] != "utils" for p in PACKAGES)
store.delete_table()
store.close()
done("PgvectorDocumentStore: exact and hnsw by two distances, halfvec, filters, keywords",
     "pgvector-haystack", "haystack-ai", "psycopg", "pgvector")
