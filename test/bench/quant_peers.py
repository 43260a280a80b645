#!/usr/bin/env python3
"""Scans of 4-bit and RaBitQ codes with faiss, one thread.

For comparison with test/bench/run-quant: ns a vector.  A search also makes
the tables of the query and keeps the nearest, so besides the whole of it
stands what one more vector costs: the difference between two sizes of index,
both of which fit the L2 cache.  Needs numpy and faiss-cpu.
"""
import sys
import time

import faiss
import numpy

faiss.omp_set_num_threads(1)
print("faiss", faiss.__version__, "with", faiss.get_compile_options())


def best(call):
    times = 1
    fastest = 1e9
    begin = time.perf_counter()
    while time.perf_counter() - begin < 0.5:
        while True:
            t = time.perf_counter()
            for _ in range(times):
                call()
            t = time.perf_counter() - t
            if t > 0.0005:
                break
            times *= 2
        fastest = min(fastest, t / times)
    return fastest * 1e9


def build(kind, dim, rows):
    if kind == "pq4":
        index = faiss.IndexPQFastScan(dim, dim // 4, 4)
    else:
        index = faiss.IndexRaBitQFastScan(dim)
    index.train(rows[:4096])
    index.add(rows)
    return index


def main():
    rng = numpy.random.default_rng(0)
    dims = [int(a) for a in sys.argv[1:]] or [128, 384, 768, 1536]
    for dim in dims:
        n = (384 << 10) // (dim // 8) // 32 * 32
        small = n // 4 // 32 * 32
        rows = rng.standard_normal((max(n, 4096), dim), dtype=numpy.float32)
        query = rng.standard_normal((1, dim), dtype=numpy.float32)
        for kind in ("pq4", "rabitq"):
            times = []
            for size in (small, n):
                index = build(kind, dim, rows[:size] if size >= 1000 else rows[:1000])
                if index.ntotal != size:
                    index.reset()
                    index.add(rows[:size])
                times.append(best(lambda: index.search(query, 1)))
            print(f"{dim:5} L2 faiss {kind:6} search {times[1] / n:7.2f}"
                  f"  one more vector {(times[1] - times[0]) / (n - small):7.2f}", flush=True)


main()
