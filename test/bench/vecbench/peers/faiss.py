"""faiss: its graph, its inverted file, and that with product and with RaBitQ
codes scanned by SIMD (fast scan), each followed by exact distances."""
import math
import os
import time

import numpy as np

from .library import Library


class Faiss(Library):
    """A faiss index by its factory string."""

    @staticmethod
    def module():
        import faiss
        return faiss

    def factory(self, count, dim):
        """The index factory's string for so many rows of so many dimensions."""
        raise NotImplementedError

    def make(self):
        faiss = self.module()
        metric = faiss.METRIC_L2 if self.data.metric == "l2" else faiss.METRIC_INNER_PRODUCT
        count, dim = self.base.shape
        self.index = faiss.index_factory(dim, self.factory(count, dim), metric)
        self.threads(os.cpu_count())
        self.index.train(self.base)
        self.index.add(self.base)

    def threads(self, count):
        self.module().omp_set_num_threads(count)

    def find(self, queries, k, param):
        return self.index.search(queries, k, params=self.parameters(param))[1]

    def filtered(self, param, k, masks, which):
        """Search for each query number in which, among the rows that are True
        in its mask: row numbers, and nanoseconds of each."""
        faiss = self.module()
        self.threads(1)
        ids, times = [], []
        for q, mask in zip(which, masks):
            bits = np.packbits(mask, bitorder="little")
            before = time.perf_counter_ns()
            selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))
            ids.append(self.index.search(self.queries[q:q + 1], k,
                                         params=self.parameters(param, selector))[1][0])
            times.append(time.perf_counter_ns() - before)
        return np.array(ids), np.array(times)

    def add(self, rows):
        self.index.add(rows)

    def save(self, path):
        self.module().write_index(self.index, path)

    def open(self, path):
        self.index = self.module().read_index(path)


class Flat(Faiss):
    name = "faiss flat"
    about = "exact"
    params = [None]
    factory = staticmethod(lambda count, dim: "Flat")

    def parameters(self, _param, selector=None):
        return self.module().SearchParameters(sel=selector)


class Hnsw(Faiss):
    name = "faiss hnsw"
    about = "M 32, efConstruction 40 (its defaults)"
    params = [10, 20, 40, 80, 160, 320, 640]
    factory = staticmethod(lambda count, dim: "HNSW32")

    def parameters(self, param, selector=None):
        return self.module().SearchParametersHNSW(efSearch=param, sel=selector)


def lists(count):
    """As faiss's guidelines advise: 4 sqrt(rows)."""
    return int(4 * math.sqrt(count))


class IvfFlat(Faiss):
    name = "faiss ivfflat"
    about = "4 sqrt(rows) lists"
    params = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    factory = staticmethod(lambda count, dim: f"IVF{lists(count)},Flat")

    def parameters(self, param, selector=None):
        return self.module().SearchParametersIVF(nprobe=param, sel=selector)


class Refined(Faiss):
    """Codes find candidates, exact distances order them."""
    params = [(1, 4), (2, 4), (4, 4), (8, 4), (16, 4), (16, 10), (32, 10), (64, 10), (64, 20),
              (128, 20), (256, 20), (256, 40)]

    def parameters(self, param, selector=None):
        faiss = self.module()
        probes, factor = param
        # The refinement keeps no reference to the inner parameters.
        self.inner = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
        return faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=self.inner)


class IvfPq(Refined):
    name = "faiss ivfpq"
    about = "4 sqrt(rows) lists, 4-bit product codes of dim/2, fast scan, refined by floats"
    factory = staticmethod(lambda count, dim: f"IVF{lists(count)},PQ{dim // 2}x4fs,RFlat")


class IvfRabitq(Refined):
    name = "faiss ivfrabitq"
    about = "4 sqrt(rows) lists, 1-bit RaBitQ codes, fast scan, refined by floats"
    factory = staticmethod(lambda count, dim: f"IVF{lists(count)},RaBitQfs,RFlat")


PEERS = [Flat, Hnsw, IvfFlat, IvfPq, IvfRabitq]
