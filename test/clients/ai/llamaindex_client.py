"""LlamaIndex's PGVectorStore: VectorStoreIndex over it, and the store itself."""

import asyncio
import os

from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import (FilterCondition, FilterOperator, MetadataFilter,
                                            MetadataFilters)
from llama_index.vector_stores.postgres import PGVectorStore

from common import QUESTIONS, Recall, done
from shared import Scans, execute, nearest, prefer_indexes
from texts import ASKED, EMBEDDINGS, TEXTS, embed


class LocalEmbedding(BaseEmbedding):
    def _get_text_embedding(self, text):
        return embed([text])[0].tolist()

    def _get_text_embeddings(self, texts):
        return embed(texts).tolist()

    def _get_query_embedding(self, query):
        return embed([query])[0].tolist()

    async def _aget_query_embedding(self, query):
        return self._get_query_embedding(query)


def open_store(table, **options):
    return PGVectorStore.from_params(
        host=os.environ["PGHOST"], port=os.environ["PGPORT"], database=os.environ["PGDATABASE"],
        user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"], table_name=table,
        embed_dim=384, **options)


def nodes():
    """A document for each section, a node for each of its packages."""
    return [TextNode(
        id_=str(p["id"]), text=p["summary"],
        metadata={"section": p["section"], "size": p["size"], "name": p["name"],
                  "tags": [p["section"], p["name"][0]]},
        # So that the texts alone are embedded.
        excluded_embed_metadata_keys=["section", "size", "name", "tags"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=p["section"])})
        for p in TEXTS]


def ids(found):
    return [int(node.node_id) for node in found]


def one(key, operator, value):
    return MetadataFilter(key=key, operator=operator, value=value)


OP = FilterOperator
SECTIONS = ["net", "web", "utils"]
# Filters, and what they mean.
FILTERS = [
    ([one("section", OP.EQ, "utils")], lambda p: p["section"] == "utils"),
    ([one("section", OP.NE, "utils")], lambda p: p["section"] != "utils"),
    ([one("size", OP.GTE, 2000)], lambda p: p["size"] >= 2000),
    ([one("size", OP.GT, 100), one("size", OP.LT, 1000)], lambda p: 100 < p["size"] < 1000),
    ([one("section", OP.IN, SECTIONS)], lambda p: p["section"] in SECTIONS),
    ([one("section", OP.NIN, SECTIONS)], lambda p: p["section"] not in SECTIONS),
    ([one("name", OP.TEXT_MATCH, "sql")], lambda p: "sql" in p["name"]),
    ([one("name", OP.TEXT_MATCH_INSENSITIVE, "SQL")], lambda p: "sql" in p["name"]),
    ([one("tags", OP.CONTAINS, "g")], lambda p: p["name"][0] == "g"),
    ([one("tags", OP.ANY, ["games", "g"])],
     lambda p: p["section"] == "games" or p["name"][0] == "g"),
    ([one("tags", OP.ALL, ["games", "g"])],
     lambda p: p["section"] == "games" and p["name"][0] == "g"),
    ([MetadataFilters(filters=[one("section", OP.EQ, "games"), one("size", OP.GT, 20000)],
                      condition=FilterCondition.OR), one("size", OP.LTE, 50000)],
     lambda p: (p["section"] == "games" or p["size"] > 20000) and p["size"] <= 50000),
]
for number, (condition, wanted) in enumerate(FILTERS):
    assert any(map(wanted, TEXTS)), number


def searches(index):
    """What searches find, and what is right."""
    for q, v in zip(QUESTIONS, ASKED):
        retriever = index.as_retriever(similarity_top_k=10)
        yield ids(retriever.retrieve(q["question"])), nearest(TEXTS, EMBEDDINGS, v, 10)
    for number, (condition, wanted) in enumerate(FILTERS):
        at = number % len(QUESTIONS)
        retriever = index.as_retriever(similarity_top_k=10,
                                       filters=MetadataFilters(filters=condition))
        yield (ids(retriever.retrieve(QUESTIONS[at]["question"])),
               nearest(TEXTS, EMBEDDINGS, ASKED[at], 10, wanted))


def fill(store):
    return VectorStoreIndex(nodes(), embed_model=LocalEmbedding(model_name="all-MiniLM-L6-v2"),
                            storage_context=StorageContext.from_defaults(vector_store=store))


prefer_indexes()
store = open_store("exact", hybrid_search=True, text_search_config="english")
index = fill(store)
for got, right in searches(index):
    assert got == right, f"{got}, not {right}"
for word in "text", "database", "network":
    words = [int(row[0]) for row in execute(
        "SELECT node_id FROM data_exact WHERE to_tsvector('english', text)"
        f" @@ to_tsquery('english', '{word}')")]
    assert 0 < len(words) <= 10, f"{word}: {len(words)}"
    right = nearest(TEXTS, EMBEDDINGS, embed([word])[0], 5)
    for mode, expected in ("hybrid", {*words, *right}), ("sparse", {*words}):
        got = ids(index.as_retriever(vector_store_query_mode=mode, similarity_top_k=5,
                                     sparse_top_k=10).retrieve(word))
        assert set(got) == expected, f"{mode} {word}: {got}, not {expected}"
asyncio.run(store.close())

# The index is there before the rows are.
PARAMETERS = {"hnsw_m": 16, "hnsw_ef_construction": 64, "hnsw_ef_search": 80}
for table, options in [
        ("near", {}),
        ("half", {"use_halfvec": True}),
        ("keys", {"use_jsonb": True, "indexed_metadata_keys": {
            ("section", "text"), ("size", "integer"), ("tags", "text[]")}})]:
    method = "halfvec_cosine_ops" if table == "half" else "vector_cosine_ops"
    store = open_store(table, hnsw_kwargs={**PARAMETERS, "hnsw_dist_method": method}, **options)
    index = fill(store)
    asyncio.run(store.close())
    scans = Scans(f"data_{table}_embedding_idx")
    recall = Recall()
    for got, right in searches(index):
        recall.add(got, right)
    recall.check()
    asyncio.run(store.close())
    # With an index for each key, some filters have better plans.
    if table != "keys":
        scans.expect(len(QUESTIONS) + len(FILTERS))

# By relevance alone, what is nearest.
question = QUESTIONS[0]["question"]
found = index.as_retriever(similarity_top_k=4, vector_store_query_mode="mmr",
                           vector_store_kwargs={"mmr_threshold": 1}).retrieve(question)
assert ids(found) == ids(index.as_retriever(similarity_top_k=4).retrieve(question)), found
for node in found:
    cosine = embed([node.text])[0] @ ASKED[0]
    assert abs(node.score - cosine) < 1e-5, f"{node.score} for {cosine}"

index.delete_ref_doc("utils")
store.delete_nodes([str(TEXTS[0]["id"])])
LEFT = [p for p in TEXTS[1:] if p["section"] != "utils"]
rest = store.get_nodes(filters=MetadataFilters(filters=[one("size", OP.GTE, 0)]))
assert sorted(ids(rest)) == [p["id"] for p in LEFT], ids(rest)
stored = embed([node.text for node in rest])
assert abs(stored - [node.embedding for node in rest]).max() < 1e-6


async def at_once():
    """All questions at the same time."""
    retriever = index.as_retriever(similarity_top_k=10)
    answers = await asyncio.gather(*(retriever.aretrieve(q["question"]) for q in QUESTIONS))
    await store.close()
    return answers


recall = Recall()
for answer, v in zip(asyncio.run(at_once()), ASKED):
    recall.add(ids(answer), nearest(TEXTS, EMBEDDINGS, v, 10, LEFT.__contains__))
recall.check()
store.clear()
assert index.as_retriever().retrieve(question) == []
done("PGVectorStore: hnsw_kwargs, use_halfvec, filters, indexed_metadata_keys, hybrid_search, MMR",
     "llama-index-vector-stores-postgres", "llama-index-core", "psycopg2-binary", "asyncpg")
