"""Texts, and their embeddings by a model that runs in the program."""

import numpy

from common import PACKAGES, QUESTIONS
from minilm import MiniLM

MODEL = MiniLM()
TEXTS = PACKAGES[::4]
KEPT = {}


def embed(texts):
    """The embeddings, a row for each text, which is not computed twice."""
    new = [text for text in dict.fromkeys(texts) if text not in KEPT]
    if new:
        KEPT.update(zip(new, MODEL.encode(new)))
    return numpy.array([KEPT[text] for text in texts])


EMBEDDINGS = embed([p["summary"] for p in TEXTS])
ASKED = embed([q["question"] for q in QUESTIONS])
# The model is the one that made the stored embeddings, which are rounded.
cosines = (ASKED * numpy.array([q["embedding"] for q in QUESTIONS])).sum(1)
assert cosines.min() > 0.999, cosines
