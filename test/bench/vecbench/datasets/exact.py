"""Exact nearest neighbours: what an index's answers are compared with."""
import faiss
import numpy as np
from tqdm import tqdm

METRICS = ("l2", "cosine", "ip")
BLOCK_BYTES = 256 << 20
# So many more candidates than asked for are compared again in float64, so
# that rounding and ties at the end of the list decide nothing.
SPARE = 28


def blocks(base, mask, progress):
    """(row numbers, rows as float32) of the rows that count, in blocks."""
    step = max(1, BLOCK_BYTES // (4 * base.shape[1]))
    for start in tqdm(range(0, len(base), step), "exact neighbours", unit=" blocks",
                      disable=not progress):
        stop = min(start + step, len(base))
        if mask is None:
            yield np.arange(start, stop), np.ascontiguousarray(base[start:stop], np.float32)
        else:
            numbers = start + np.flatnonzero(mask[start:stop])
            if len(numbers):
                yield numbers, np.ascontiguousarray(base[numbers], np.float32)


def unit(rows):
    """Rows of length 1, and which of them are not zero, which have none."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    good = length[:, 0] > 0
    return rows[good] / length[good], good


def candidates(base, queries, metric, count, mask, progress):
    """Row numbers, queries x count at most, in no order; -1 fills up."""
    kind = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
    worst = np.float32(np.inf)
    best = np.full((len(queries), count), worst)
    found = np.full((len(queries), count), -1)
    for numbers, rows in blocks(base, mask, progress):
        if metric == "cosine":
            rows, good = unit(rows)
            numbers = numbers[good]
        if not len(rows):
            continue
        distance, at = faiss.knn(queries, rows, min(count, len(rows)), metric=kind)
        distance = np.hstack([best, distance if metric == "l2" else -distance])
        which = np.hstack([found, numbers[at]])
        keep = np.argpartition(distance, count - 1, axis=1)[:, :count]
        best = np.take_along_axis(distance, keep, 1)
        found = np.take_along_axis(which, keep, 1)
    return found


def distances(rows, query, metric):
    """In float64, smaller is nearer."""
    rows, query = rows.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return ((rows - query) ** 2).sum(1)
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return -(rows @ query)


def truth(base, queries, metric, k=100, mask=None, progress=False):
    """The row numbers of the k nearest in base for each query: int32,
    queries x k, nearest first, of two as near the lower number first.

    metric is "l2", "cosine" or "ip" (the greatest inner product).  With mask,
    a boolean for each row of base, only the rows where it is true count.
    Where fewer than k rows count, -1 fills up.  A zero vector has no cosine
    distance: it is never among the nearest, nor has it any.
    """
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r}: it is one of {', '.join(METRICS)}")
    if mask is not None and (np.shape(mask) != (len(base),) or mask.dtype != bool):
        raise ValueError(f"the mask is not {len(base)} booleans")
    queries = np.ascontiguousarray(queries, np.float32)
    result = np.full((len(queries), k), -1, np.int32)
    asked = np.arange(len(queries))
    if metric == "cosine":
        queries, good = unit(queries)
        asked = asked[good]
    found = candidates(base, queries, metric, k + SPARE, mask, progress)
    for row, query, numbers in zip(asked, queries, found):
        numbers = np.sort(numbers[numbers >= 0])
        near = distances(np.asarray(base[numbers]), query, metric)
        order = numbers[np.argsort(near, kind="stable")[:k]]
        result[row, :len(order)] = order
    return result
