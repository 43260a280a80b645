#!/usr/bin/env python3
"""Distances of one query to many rows with SimSIMD and faiss, one thread.

For comparison with test/bench/run-kernel: ns a distance, the best of several
tries, on rows that fit the L2 cache and rows that do not.  Needs numpy, and
simsimd and faiss-cpu as far as they are installed.
"""
import time

import numpy

try:
    import simsimd
except ImportError:
    simsimd = print("simsimd is not installed")
try:
    import faiss
    faiss.omp_set_num_threads(1)
except ImportError:
    faiss = print("faiss is not installed")


def best(rows, call):
    times = 1
    fastest = 1e9
    for _ in range(9):
        while True:
            t = time.perf_counter()
            for _ in range(times):
                call()
            t = time.perf_counter() - t
            if t > 0.02:
                break
            times *= 2
        fastest = min(fastest, t / times / rows)
    return fastest * 1e9


for dim in (128, 768, 1536):
    for place, size in (("L2", 512 << 10), ("memory", 256 << 20)):
        n = size // (4 * dim)
        rows = numpy.random.default_rng(0).standard_normal((n, dim), dtype=numpy.float32)
        query = rows[:1].copy()
        found = {}
        if simsimd:
            found["simsimd l2sq"] = best(n, lambda: simsimd.cdist(query, rows, metric="sqeuclidean", threads=1))
            found["simsimd ip"] = best(n, lambda: simsimd.cdist(query, rows, metric="dot", threads=1))
            found["simsimd cosine"] = best(n, lambda: simsimd.cdist(query, rows, metric="cosine", threads=1))
        if faiss:
            out = numpy.empty(n, numpy.float32)
            pointers = [faiss.swig_ptr(a) for a in (out, query, rows)]
            found["faiss l2sq"] = best(n, lambda: faiss.fvec_L2sqr_ny(*pointers, dim, n))
            found["faiss ip"] = best(n, lambda: faiss.fvec_inner_products_ny(*pointers, dim, n))
        print(f"f32 {dim:5} {place:7}", "  ".join(f"{name} {ns:.1f}" for name, ns in found.items()), flush=True)
