"""Data sets from files: HDF5 of ann-benchmarks, .npy, .fvecs, .bvecs.

HDF5 has all in one file.  For the others the queries and the true neighbours
lie beside the base, their names the same but for "base":

    sift_base.fvecs   sift_query.fvecs   sift_groundtruth.ivecs
    base.npy          query.npy          groundtruth.npy
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HDF5 = (".hdf5", ".h5")
VECS = {".fvecs": np.float32, ".bvecs": np.uint8, ".ivecs": np.int32}
DISTANCES = {"euclidean": "l2", "l2": "l2", "angular": "cosine", "cosine": "cosine",
             "dot": "ip", "ip": "ip", "inner_product": "ip"}
BASE = ("base", "train")
QUERY = ("query", "queries", "test")
TRUTH = ("groundtruth", "truth", "neighbors", "gt")


class Error(ValueError):
    """What is wrong with a file."""


@dataclass
class Raw:
    """base may be mapped from a file and of any numeric type; queries, truth
    and metric are None where the files do not tell."""
    base: np.ndarray
    queries: np.ndarray | None = None
    truth: np.ndarray | None = None
    metric: str | None = None


def is_file(name):
    """True for what is a path and not the name of a set."""
    path = Path(name)
    return path.suffix.lower() in (*HDF5, *VECS, ".npy") or "/" in str(name) or path.exists()


def read_vecs(path):
    """.fvecs and its like: each row is its dimensions as int32, then them."""
    dtype = np.dtype(VECS[path.suffix.lower()])
    size = path.stat().st_size
    if size < 4:
        raise Error(f"{path}: empty")
    dim = int(np.fromfile(path, "<i4", 1)[0])
    record = 4 + dim * dtype.itemsize
    if dim < 1 or size % record:
        raise Error(f"{path}: {size} bytes are not rows of {dim} dimensions")
    rows = np.memmap(path, np.dtype([("dim", "<i4"), ("x", dtype.newbyteorder("<"), (dim,))]), "r")
    if (rows["dim"] != dim).any():
        number = int(np.argmax(rows["dim"] != dim))
        raise Error(f"{path}: row {number} has {rows['dim'][number]} dimensions, the first {dim}")
    return rows["x"]


def read_npy(path):
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Error(f"{path}: {error}") from None
    if not isinstance(array, np.ndarray):
        raise Error(f"{path}: not one array")
    return array


def read(path):
    """Rows of numbers from a .npy or .?vecs file."""
    suffix = path.suffix.lower()
    if suffix != ".npy" and suffix not in VECS:
        raise Error(f"{path}: not a kind of file known here ({', '.join((*HDF5, '.npy', *VECS))})")
    array = read_npy(path) if suffix == ".npy" else read_vecs(path)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or not array.size:
        raise Error(f"{path}: {array.dtype} of shape {array.shape}, not rows of numbers")
    return array


def read_hdf5(path):
    import h5py
    try:
        file = h5py.File(path)
    except OSError as error:
        raise Error(f"{path}: {error}") from None
    with file:
        for name in ("train", "test"):
            if name not in file:
                raise Error(f"{path}: has no data set {name!r}")
        said = file.attrs.get("distance")
        said = said.decode() if isinstance(said, bytes) else said
        if said is not None and said not in DISTANCES:
            raise Error(f"{path}: distance {said!r} is not one of {', '.join(DISTANCES)}")
        parts = {name: file[name][:] for name in ("train", "test", "neighbors") if name in file}
        for name, array in parts.items():
            if array.ndim != 2 or array.dtype.kind not in "fiu" or not array.size:
                raise Error(f"{path}: {name} is {array.dtype} of shape {array.shape}")
        return Raw(parts["train"], parts["test"], parts.get("neighbors"), DISTANCES.get(said))


def beside(path, words, suffixes):
    """The file whose name is path's with one of words in place of "base"."""
    for mine in BASE:
        head, found, tail = path.stem.rpartition(mine)
        if found:
            for word in words:
                for suffix in suffixes:
                    other = path.with_name(head + word + tail + suffix)
                    if other.is_file():
                        return other
    return None


def find_base(folder):
    """The one file in a folder that is the base of a set."""
    found = [p for p in sorted(folder.iterdir())
             if p.suffix.lower() in HDF5 or (p.suffix.lower() in (".npy", ".fvecs", ".bvecs")
                                     and any(w in p.stem for w in BASE))]
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise Error(f"{folder}: one base file is needed, such as base.fvecs; there is {names}")
    return found[0]


def find(path, queries=None, truth=None):
    """The files of a set: base, and None or its queries and its truth.  path
    is the base or a folder; queries and truth go before what lies beside."""
    if path.is_dir():
        path = find_base(path)
    if path.suffix.lower() not in HDF5:
        suffixes = (path.suffix, ".fvecs", ".npy")
        queries = queries or beside(path, QUERY, suffixes)
        truth = truth or beside(path, TRUTH, (".ivecs", ".npy"))
    parts = [path, queries and Path(queries), truth and Path(truth)]
    for part in filter(None, parts):
        if not part.is_file():
            raise Error(f"{part}: no such file")
    return parts


def read_set(path, queries, truth):
    """What is in the files of a set, as find gives them."""
    raw = read_hdf5(path) if path.suffix.lower() in HDF5 else Raw(read(path))
    if queries:
        raw.queries, raw.truth = read(queries), None
    if truth:
        raw.truth = read(truth)
    check(path, raw)
    return raw


def check(path, raw):
    """Raise what does not fit together."""
    rows, dim = raw.base.shape
    if raw.queries is None:
        raw.truth = None            # it would be of other queries
    elif raw.queries.shape[1] != dim:
        raise Error(f"{path}: {dim} dimensions, but its queries have {raw.queries.shape[1]}")
    if raw.truth is not None:
        if raw.truth.dtype.kind not in "iu":
            raise Error(f"{path}: its true neighbours are not row numbers")
        if len(raw.truth) != len(raw.queries):
            raise Error(f"{path}: {len(raw.queries)} queries, but {len(raw.truth)} rows of truth")
        if raw.truth.max() >= rows or raw.truth.min() < 0:
            raise Error(f"{path}: its true neighbours are not all among its {rows} rows")
    for part in filter(lambda part: part is not None, (raw.base, raw.queries)):
        step = max(1, (64 << 20) // (4 * dim))
        for start in range(0, len(part), step):
            if not np.isfinite(part[start:start + step]).all():
                raise Error(f"{path}: NaN or infinity among rows {start} to {start + step}")
