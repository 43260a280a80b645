"""LangChain's PGVectorStore, over asyncpg, and async over psycopg."""

import asyncio

from langchain_postgres import Column, PGEngine, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import (HybridSearchConfig,
                                                        reciprocal_rank_fusion)
from langchain_postgres.v2.indexes import (DistanceStrategy, HNSWIndex, HNSWQueryOptions,
                                           IVFFlatIndex, IVFFlatQueryOptions)

from common import QUESTIONS, Recall, done
from langchain_shared import FILTERS, LocalEmbeddings, documents, ids, searches
from shared import Scans, execute, nearest, prefer_indexes, url
from texts import ASKED, EMBEDDINGS, TEXTS, embed

prefer_indexes()
engine = PGEngine.from_connection_string(url("asyncpg"))
hybrid = HybridSearchConfig(tsv_column="content_tsv", fusion_function=reciprocal_rank_fusion,
                            primary_top_k=10, secondary_top_k=10)
engine.init_vectorstore_table("packages", 384, hybrid_search_config=hybrid, metadata_columns=[
    Column("section", "TEXT"), Column("size", "INTEGER")])


def open_store(**options):
    return PGVectorStore.create_sync(engine, LocalEmbeddings(), "packages",
                                     metadata_columns=["section", "size"], **options)


def expect_recall(store, index):
    """That searches find enough, all of them by the index."""
    recall, scans = Recall(), Scans(index)
    for got, right in searches(store):
        recall.add(got, right)
    recall.check()
    asyncio.run(engine.close())
    scans.expect(len(QUESTIONS) + len(FILTERS))


store = open_store(hybrid_search_config=hybrid)
store.add_documents(documents(TEXTS))
# Some once more, which replaces them.
store.add_documents(documents(TEXTS[:10]))
for got, right in searches(open_store()):
    assert got == right, f"{got}, not {right}"

# With unit length, what is near is the same by each distance.
for strategy in DistanceStrategy:
    near = open_store(distance_strategy=strategy,
                      index_query_options=HNSWQueryOptions(ef_search=80))
    near.apply_vector_index(HNSWIndex(name="near", distance_strategy=strategy, m=16,
                                      ef_construction=64))
    expect_recall(near, "near")
    near.drop_vector_index("near")

lists = open_store(index_query_options=IVFFlatQueryOptions(probes=8))
lists.apply_vector_index(IVFFlatIndex(name="lists", lists=10), concurrently=True)
lists.reindex("lists")
assert lists.is_valid_index("lists")
expect_recall(lists, "lists")
lists.drop_vector_index("lists")
assert not lists.is_valid_index("lists")

# Reciprocal ranks: all that either search finds, and first what both do.
store.apply_hybrid_search_index()
for word in "text", "database", "network":
    words = [row[0].int for row in execute(
        f"SELECT langchain_id FROM packages WHERE content_tsv @@ plainto_tsquery('{word}')")]
    assert 0 < len(words) <= 10, f"{word}: {len(words)}"
    right = nearest(TEXTS, EMBEDDINGS, embed([word])[0], 10)
    assert set(words) & set(right), f"{word}: {words} and {right}"
    hybrid.fts_query = word
    found = ids(store.similarity_search(word, k=20))
    assert set(found) == set(words) | set(right), f"{word}: {found}, not {words} and {right}"
    assert found[0] in set(words) & set(right), f"{word}: {found}"

# By relevance alone, what is nearest.
found = open_store().max_marginal_relevance_search(QUESTIONS[0]["question"], k=4, fetch_k=20,
                                                   lambda_mult=1)
assert ids(found) == nearest(TEXTS, EMBEDDINGS, ASKED[0], 4), found

store.apply_vector_index(HNSWIndex(name="near"), concurrently=True)
gone = [d.id for d in found]
assert {d.id for d in store.get_by_ids(gone)} == set(gone)
assert store.delete(gone)
assert store.get_by_ids(gone) == []


async def at_once():
    """All questions at the same time."""
    engine = PGEngine.from_connection_string(url("psycopg"))
    store = await PGVectorStore.create(engine, LocalEmbeddings(), "packages",
                                       metadata_columns=["section", "size"])
    answers = await asyncio.gather(*(
        store.asimilarity_search_with_score(q["question"], k=10) for q in QUESTIONS))
    await engine.close()
    return answers


recall = Recall()
for answer, v in zip(asyncio.run(at_once()), ASKED):
    right = nearest(TEXTS, EMBEDDINGS, v, 10, lambda p: p["id"] not in ids(found))
    recall.add(ids(answer), right)
    for document, distance in answer:
        cosine = embed([document.page_content])[0] @ v
        assert abs(1 - distance - cosine) < 1e-5, f"{distance} for {cosine}"
recall.check()
done("PGVectorStore: HNSWIndex by three distances, IVFFlatIndex, filters, hybrid search, MMR",
     "langchain-postgres", "langchain-core", "asyncpg", "psycopg")
