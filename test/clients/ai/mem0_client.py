"""mem0's store for pgvector, by itself: a Memory needs a language model."""

import os
import re
from uuid import UUID

from mem0.vector_stores.pgvector import PGVector

from common import PACKAGES, QUESTIONS, Recall, done
from shared import Scans, execute, floats, prefer_indexes

prefer_indexes()


def open_store(collection, hnsw):
    return PGVector(dbname=os.environ["PGDATABASE"], collection_name=collection,
                    embedding_model_dims=384, user=os.environ["PGUSER"],
                    password=os.environ["PGPASSWORD"], host=os.environ["PGHOST"],
                    port=os.environ["PGPORT"], diskann=False, hnsw=hnsw)


def key(package_id):
    return str(UUID(int=package_id))


def ids(found):
    return [UUID(row.id).int for row in found]


def payload(p):
    return {"data": p["summary"], "text_lemmatized": p["summary"].lower(), "name": p["name"],
            "section": p["section"], "size": p["size"], "user_id": f"user{p['id'] % 3}"}


def fill(store):
    store.insert([floats(p["embedding"]) for p in PACKAGES], [payload(p) for p in PACKAGES],
                 [key(p["id"]) for p in PACKAGES])


def searches(store):
    """What searches find, and what is right."""
    for q in QUESTIONS:
        question, v = q["question"], floats(q["embedding"])
        yield ids(store.search(question, v, top_k=10)), q["nearest"]
        yield (ids(store.search(question, v, top_k=10, filters={
            "section": q["section"], "size": {"lt": q["below"]}})), q["nearest_filtered"])


def close(store):
    store.connection_pool.close()


store = open_store("exact", hnsw=False)
fill(store)
for got, right in searches(store):
    assert got == right, f"{got}, not {right}"

# Filters, and what they mean.
SECTIONS = ["net", "web"]
V = floats(QUESTIONS[0]["embedding"])
for condition, wanted in [
        ({"user_id": "user1"}, lambda p: p["id"] % 3 == 1),
        ({"section": SECTIONS}, lambda p: p["section"] in SECTIONS),
        ({"section": {"nin": SECTIONS}}, lambda p: p["section"] not in SECTIONS),
        ({"size": {"gte": 100, "lte": 1000}}, lambda p: 100 <= p["size"] <= 1000),
        ({"name": {"icontains": "SQL"}}, lambda p: "sql" in p["name"]),
        ({"section": "*"}, lambda p: True),
        ({"$or": [{"section": "games"}, {"size": {"gt": 50000}}]},
         lambda p: p["section"] == "games" or p["size"] > 50000),
        ({"$not": [{"section": "utils"}]}, lambda p: p["section"] != "utils")]:
    (listed,) = store.list(filters=condition, top_k=len(PACKAGES))
    expected = {p["id"] for p in PACKAGES if wanted(p)}
    assert expected and set(ids(listed)) == expected, condition
    nearest = execute("SELECT id FROM exact WHERE id IN ({}) ORDER BY vector <=> '{}' LIMIT 10"
                      .format(", ".join(f"'{key(i)}'" for i in expected),
                              V))
    found = store.search("", V, top_k=10, filters=condition)
    assert ids(found) == [row[0].int for row in nearest], condition
close(store)

store = open_store("near", hnsw=True)
fill(store)
close(store)
store, recall, scans = open_store("near", hnsw=True), Recall(), Scans("near_hnsw_idx")
for got, right in searches(store):
    recall.add(got, right)
recall.check()
close(store)
scans.expect(2 * len(QUESTIONS))

store = open_store("near", hnsw=True)
assert set(ids(store.keyword_search("network", top_k=len(PACKAGES)))) == {
    p["id"] for p in PACKAGES if "network" in re.findall(r"\w+", p["summary"].lower())}
assert set(ids(store.keyword_search("network", filters={"section": "net"}, top_k=1000))) == {
    p["id"] for p in PACKAGES
    if p["section"] == "net" and "network" in re.findall(r"\w+", p["summary"].lower())}

# What is near moves away, and something else takes its place.
first, last = PACKAGES[0], PACKAGES[-1]
(row,) = store.search("", floats(first["embedding"]), top_k=1)
assert row.id == key(first["id"]) and abs(row.score - 1) < 1e-6, row
assert row.payload == payload(first), row
store.update(row.id, vector=[-x for x in floats(first["embedding"])], payload={"data": "moved"})
assert store.get(row.id).payload == {"data": "moved"}
(row,) = store.search("", floats(first["embedding"]), top_k=1)
assert row.id != key(first["id"]), row
(row,) = store.search("", [-x for x in floats(first["embedding"])], top_k=1)
assert row.id == key(first["id"]) and row.payload == {"data": "moved"}, row
store.delete(key(last["id"]))
assert store.get(key(last["id"])) is None
assert key(last["id"]) not in [row.id for row in store.search("", floats(last["embedding"]))]

assert store.col_info()["count"] == len(PACKAGES) - 1, store.col_info()
assert set(store.list_cols()) == {"exact", "near"}, store.list_cols()
store.reset()
assert store.list() == [[]]
store.delete_col()
assert store.list_cols() == ["exact"], store.list_cols()
close(store)
done("vector_stores.pgvector: exact and hnsw, filters, keywords, update, delete, list, reset",
     "mem0ai", "psycopg")
