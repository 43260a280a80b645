"""The data sets of the benchmarks: load("sift128"), load("my/base.fvecs").

README.md beside this file tells what is in the sets made here.
"""
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import debian, files, prepared
from .exact import METRICS, truth
from .store import StaleStore, locked, save

__all__ = ["Dataset", "Error", "cached", "default_cache", "load", "names", "truth"]

QUERIES, NEIGHBOURS, OTHERS = 1000, 100, 10_000


class Error(RuntimeError):
    """Why there is no such set, said so that a user can act."""


@dataclass(frozen=True)
class Dataset:
    name: str            # "sift128"
    metric: str          # "l2", "cosine" or "ip"
    base: np.ndarray     # float32, rows x dim, mapped from a file where it can be
    queries: np.ndarray  # float32, 1000 x dim, none of them in base
    truth: np.ndarray    # int32, queries x 100, nearest first, of exactly this base
    others: np.ndarray   # float32, up to 10,000 x dim, to be inserted: not in base
    about: str           # one sentence: where it is from


TEXT = "of English texts from Debian packages (descriptions, documentation, dictionaries)"
SETS = {
    "sift128": ("l2", "SIFT descriptors of photographs from Debian packages, as OpenCV gives them"),
    "text384": ("cosine", f"embeddings by all-MiniLM-L6-v2 {TEXT}"),
    "text768": ("cosine", f"last two layers of all-MiniLM-L6-v2 {TEXT}"),
    "text1536": ("cosine", f"last four layers of all-MiniLM-L6-v2 {TEXT}"),
}


def names():
    """The sets that are made here."""
    return list(SETS)


def default_cache():
    """Where sets are kept: below VECDB_CACHE, which is where the rest of the
    tests keep what is worth it."""
    folder = os.environ.get("VECDB_CACHE")
    if not folder:
        folder = "/var/cache/vecdb"
        if not os.access(folder if os.path.isdir(folder) else "/var/cache", os.W_OK):
            folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vecdb")
    return Path(folder, "bench")


def open_store(name, cache, progress=True):
    # Each needs libraries that the other does not.
    if name == "sift128":
        from . import photos
        return photos.store(cache, progress)
    from . import textsets
    return textsets.store(cache)


def kept_truth(folder, name, base, queries, metric, progress):
    """The truth, computed unless it was before.  It is kept with the set, so
    that who deletes the one deletes the other."""
    path = folder / "truth" / f"{name}-{len(base)}-{metric}.npy"
    if not path.exists():
        with locked(path.parent):
            if not path.exists():
                save(path, truth(base, queries, metric, NEIGHBOURS, progress=progress))
    return np.load(path)


def check_size(name, size, rows):
    if size is not None and not 0 < size <= rows:
        raise Error(f"{name} has {rows:,} rows beside its queries; {size:,} is not a size")


def load_made(name, size, cache, metric, progress):
    """A set made here.  Its first rows are its queries; the rows are all
    different, so these are not among the others."""
    own, about = SETS[name]
    metric = metric or own
    store = open_store(name, cache, progress)
    check_size(name, size, float("inf"))
    try:
        store.ensure(size and QUERIES + size + OTHERS, progress)
    except (debian.Error, StaleStore) as error:
        raise Error(f"{name} could not be made: {error}") from None
    state = store.state()
    check_size(name, size, state["total"] - QUERIES)
    stop = QUERIES + size if size else state["total"]
    queries = np.array(store.rows(name, 0, QUERIES))
    base = store.rows(name, QUERIES, stop)
    near = kept_truth(store.folder, name, base, queries, metric, progress)
    others = store.rows(name, stop, min(stop + OTHERS, store.state()["rows"]))
    return Dataset(name, metric, base, queries, near, others if len(others) else queries, about)


def agrees(raw, metric):
    """True if a file's truth is wide enough, and of this metric and base as
    far as a few of its queries tell."""
    if raw.truth.shape[1] < NEIGHBOURS:
        return False
    some = slice(0, len(raw.queries), -(-len(raw.queries) // 10))
    sure = truth(raw.base, raw.queries[some], metric, NEIGHBOURS)
    same = [np.isin(a, b).mean() for a, b in zip(sure, raw.truth[some, :NEIGHBOURS])]
    return np.mean(same) > 0.95         # ties may fall otherwise


def load_file(path, size, cache, metric, progress, queries, truth_file):
    try:
        folder, raw = prepared.opened(path, cache, QUERIES, queries, truth_file)
    except files.Error as error:
        raise Error(str(error)) from None
    metric = metric or raw.metric or "l2"
    check_size(path, size, len(raw.base))
    base, near = raw.base[:size], raw.truth
    others = raw.base[len(base):len(base) + OTHERS]
    if near is None or len(base) < len(raw.base) or not agrees(raw, metric):
        near = kept_truth(folder, Path(path).stem, base, raw.queries, metric, progress)
    return Dataset(Path(path).stem, metric, base, raw.queries, near[:, :NEIGHBOURS],
                   others if len(others) else raw.queries, f"from {path}")


def load(name_or_path, size=None, cache=None, metric=None, progress=True, queries=None,
         truth_file=None):
    """A set by its name, or from a file: HDF5 as ann-benchmarks has it, .npy,
    .fvecs, .bvecs, or a folder with one of them.

    size takes the first so many rows of the base, which for a set made here
    are a fair sample; None takes all.  What is missing in the folder cache is
    made, which for the text sets at full size takes a while.  metric is "l2",
    "cosine" or "ip" in place of the set's own.  queries and truth_file name
    files for a base that has none beside it under the usual names.
    """
    cache = Path(cache) if cache else default_cache()
    if metric is not None and metric not in METRICS:
        raise Error(f"metric {metric!r}: it is one of {', '.join(METRICS)}")
    if str(name_or_path) in SETS:
        return load_made(str(name_or_path), size, cache, metric, progress)
    if files.is_file(name_or_path):
        return load_file(name_or_path, size, cache, metric, progress, queries, truth_file)
    raise Error(f"there is no set {name_or_path!r}; there are {', '.join(SETS)}, "
                "and files by their path")


def cached(cache=None):
    """[(name, rows there, rows there can be, dim, metric, bytes, about)] of
    the sets made here; rows without the queries."""
    cache = Path(cache) if cache else default_cache()
    result = []
    for name, (metric, about) in SETS.items():
        store = open_store(name, cache)
        state, (dim, dtype) = store.state(), store.columns[name]
        size = state["rows"] * dim * np.dtype(dtype).itemsize
        rows = max(0, state["rows"] - QUERIES)
        result.append((name, rows, state["total"] and state["total"] - QUERIES, dim, metric,
                       size, about))
    return result
