"""LangChain's PGVector, the older store: collections, and metadata in JSON."""

import asyncio

from langchain_postgres import PGVector

from common import QUESTIONS, Recall, done
from langchain_shared import FILTERS, LocalEmbeddings, documents, ids, searches
from shared import Scans, execute, nearest, prefer_indexes, url
from texts import ASKED, EMBEDDINGS, TEXTS, embed

prefer_indexes()


def open_store(**options):
    return PGVector(LocalEmbeddings(), connection=url("psycopg"), embedding_length=384,
                    collection_name="packages", use_jsonb=True, **options)


store = open_store()
store.add_documents(documents(TEXTS))
# Some once more, which replaces them.
store.add_documents(documents(TEXTS[:10]))
# Another collection, in the same table.
PGVector.from_texts(["nothing of this"], LocalEmbeddings(), connection=url("psycopg"),
                    embedding_length=384, collection_name="other")


for got, right in searches(store):
    assert got == right, f"{got}, not {right}"

execute("CREATE INDEX near ON langchain_pg_embedding USING hnsw (embedding vector_cosine_ops)")
# Sessions of before do not know it.
store._engine.dispose()
recall, scans = Recall(), Scans("near")
for got, right in searches(store):
    recall.add(got, right)
recall.check()
store._engine.dispose()
scans.expect(len(QUESTIONS) + len(FILTERS))

recall = Recall()
for q, v in zip(QUESTIONS, ASKED):
    rows = store.similarity_search_with_relevance_scores(q["question"], k=10)
    recall.add(ids(rows), nearest(TEXTS, EMBEDDINGS, v, 10))
    for document, relevance in rows:
        cosine = embed([document.page_content])[0] @ v
        assert abs(relevance - cosine) < 1e-5, f"{relevance} for {cosine}"
recall.check()

# By relevance alone, what is nearest.
found = store.max_marginal_relevance_search(QUESTIONS[0]["question"], k=4, fetch_k=20,
                                            lambda_mult=1)
assert ids(found) == ids(store.similarity_search(QUESTIONS[0]["question"], k=4)), found
gone = [d.id for d in found]
store.delete(gone)
assert store.get_by_ids(gone) == []


async def at_once():
    """All questions at the same time, through a retriever."""
    store = open_store(async_mode=True)
    retriever = store.as_retriever(search_kwargs={"k": 10})
    answers = await asyncio.gather(*(retriever.ainvoke(q["question"]) for q in QUESTIONS))
    await store._async_engine.dispose()
    return answers


recall = Recall()
for answer, v in zip(asyncio.run(at_once()), ASKED):
    recall.add(ids(answer), nearest(TEXTS, EMBEDDINGS, v, 10, lambda p: p["id"] not in ids(found)))
recall.check()
done("PGVector: exact and by hnsw, filters, collections, relevance, MMR, a retriever",
     "langchain-postgres", "langchain-core", "psycopg")
