"""text384, text768 and text1536: embeddings of the same texts.

text384 is what all-MiniLM-L6-v2 gives.  The wider two are the means of the
last two and the last four layers side by side, each scaled to unit length
and then the whole: the feature-based use of BERT of its paper, section 5.3
(Devlin et al., 2019), which found the last four layers side by side the best.
"""
import math

import numpy as np

from . import minilm, texts
from .store import Store

WIDTHS = {"text384": 1, "text768": 2, "text1536": 4}    # layers
BLOCK = 5000


class Source:
    def __init__(self, folder, cache):
        self.texts = texts.texts(folder)
        self.total = len(self.texts)
        self.encoder = minilm.Encoder(cache)

    def make(self, start, stop, advance):
        layers = self.encoder.layers(self.texts[start:stop], advance)
        return {name: layers[:, -n:].reshape(stop - start, -1) / np.float32(math.sqrt(n))
                for name, n in WIDTHS.items()}

    def clean(self):
        """Nothing: the texts stay, for whoever wants to read them."""


def store(cache):
    folder = cache / "text"
    columns = {name: (minilm.DIM * n, np.float32) for name, n in WIDTHS.items()}
    return Store(folder, columns, lambda: Source(folder, cache), BLOCK)
