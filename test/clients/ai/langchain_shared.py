"""What both stores of LangChain share: the model, filters, and searches."""

from uuid import UUID

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from common import QUESTIONS
from shared import nearest
from texts import ASKED, EMBEDDINGS, TEXTS, embed


class LocalEmbeddings(Embeddings):
    def embed_documents(self, texts):
        return embed(texts).tolist()

    def embed_query(self, text):
        return embed([text])[0].tolist()


def documents(packages):
    return [Document(id=str(UUID(int=p["id"])), page_content=p["summary"],
                     metadata={"section": p["section"], "size": p["size"], "name": p["name"]})
            for p in packages]


def ids(found):
    """The ids of packages, of documents or of documents with scores."""
    return [UUID(getattr(d, "id", None) or d[0].id).int for d in found]


SECTIONS = ["net", "web", "utils"]
# Filters, and what they mean.
FILTERS = [
    ({"section": "utils"}, lambda p: p["section"] == "utils"),
    ({"section": {"$ne": "utils"}}, lambda p: p["section"] != "utils"),
    ({"size": {"$gte": 2000}}, lambda p: p["size"] >= 2000),
    ({"size": {"$between": (100, 1000)}}, lambda p: 100 <= p["size"] <= 1000),
    ({"section": {"$in": SECTIONS}}, lambda p: p["section"] in SECTIONS),
    ({"section": {"$nin": SECTIONS}}, lambda p: p["section"] not in SECTIONS),
    ({"name": {"$like": "g%"}}, lambda p: p["name"].startswith("g")),
    ({"name": {"$ilike": "%SQL%"}}, lambda p: "sql" in p["name"]),
    ({"size": {"$exists": True}}, lambda p: True),
    ({"$and": [{"section": {"$in": SECTIONS}}, {"size": {"$lt": 1000}}]},
     lambda p: p["section"] in SECTIONS and p["size"] < 1000),
    ({"$or": [{"section": "games"}, {"size": {"$gt": 20000}}]},
     lambda p: p["section"] == "games" or p["size"] > 20000),
    ({"$not": {"section": "utils"}}, lambda p: p["section"] != "utils"),
    ({"section": "utils", "size": {"$lte": 500}},
     lambda p: p["section"] == "utils" and p["size"] <= 500),
]
for condition, wanted in FILTERS:
    assert any(map(wanted, TEXTS)), condition


def searches(store):
    """What searches find, and what is right."""
    for q, v in zip(QUESTIONS, ASKED):
        yield (ids(store.similarity_search(q["question"], k=10)),
               nearest(TEXTS, EMBEDDINGS, v, 10))
    for number, (condition, wanted) in enumerate(FILTERS):
        v = ASKED[number % len(ASKED)]
        yield (ids(store.similarity_search_by_vector(v.tolist(), k=10, filter=condition)),
               nearest(TEXTS, EMBEDDINGS, v, 10, wanted))
