#!/usr/bin/env python3
"""k-means of vecdb and of faiss-cpu, in turn, on the same rows.

    test/bench/cluster_peers.py DATA.npy [--k 600] [--sample 60000]
        [--iterations 10] [--threads 2] [--rounds 5]

Needs numpy and faiss-cpu.  Prints the median of the seconds for training on
the sample and for assigning all rows, the objective (mean squared distance of
all rows to their centroids), and the median of the ratios of neighbouring
runs.  Both train with the same number of iterations from random rows.
"""

import argparse
import os
import statistics
import subprocess
import time


def ours(options, seed):
    program = os.path.join(os.path.dirname(__file__), "run-cluster")
    out = subprocess.run(
        [program, options.data, f"k={options.k}", f"sample={options.sample}",
         f"iterations={options.iterations}", f"threads={options.threads}",
         f"seed={seed}", "tolerance=0", "tops=0"],
        check=True, capture_output=True, text=True).stdout
    words = dict(word.split("=") for word in out.split())
    return [float(words[name])
            for name in ("train_s", "assign_s", "objective")]


def faiss_run(options, seed, rows, sample):
    import faiss
    faiss.omp_set_num_threads(options.threads)
    kmeans = faiss.Kmeans(rows.shape[1], options.k, niter=options.iterations,
                          max_points_per_centroid=len(sample), seed=seed)
    start = time.monotonic()
    kmeans.train(sample)
    trained = time.monotonic()
    distances, _ = kmeans.assign(rows)
    end = time.monotonic()
    return [trained - start, end - trained, float(distances.mean())]


def main():
    import numpy
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--k", type=int, default=600)
    parser.add_argument("--sample", type=int, default=60000)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = numpy.load(options.data).astype(numpy.float32)
    every = numpy.arange(options.sample) * len(rows) // options.sample
    sample = numpy.ascontiguousarray(rows[every])
    runs = []
    for seed in range(1, options.rounds + 1):
        runs.append((ours(options, seed),
                     faiss_run(options, seed, rows, sample)))
    print(f"{options}\n{'':10} {'vecdb':>10} {'faiss':>10} {'ratio':>8}")
    for i, name in enumerate(("train s", "assign s", "objective")):
        print(f"{name:10} {statistics.median(a[i] for a, _ in runs):10.4g} "
              f"{statistics.median(b[i] for _, b in runs):10.4g} "
              f"{statistics.median(b[i] / a[i] for a, b in runs):8.3f}")


if __name__ == "__main__":
    main()
