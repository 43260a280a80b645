"""Numbers out of measurements: recall, curves, ratios, exponents."""
import math
import statistics

import numpy as np


def distances(base, query, ids, metric):
    """Exact distances (float64) from one query to the rows ids of base."""
    rows = base[ids].astype(np.float64)
    query = query.astype(np.float64)
    if metric == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    inner = rows @ query
    if metric == "ip":
        return -inner
    return 1 - inner / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))


def recall(base, query, ids, truth, metric, k):
    """How many of the k rows that ids should hold it holds, from 0 to 1.

    A row as near as the last of the true ones counts: which of two equally
    near rows is returned is nobody's mistake.  A row returned twice counts
    once.  truth may hold fewer than k rows, when fewer match a filter.
    """
    k = min(k, len(truth))
    if k == 0:
        return 1.0
    ids = np.unique(np.asarray([i for i in ids if i >= 0], np.int64))
    if len(ids) == 0:
        return 0.0
    limit = distances(base, query, truth[k - 1:k], metric)[0]
    limit += 1e-6 * abs(limit) + 1e-9
    return min(k, int((distances(base, query, ids, metric) <= limit).sum())) / k


def qps_at(points, target):
    """Queries a second at a recall, between the points (recall, qps) of a
    curve: log(qps) is taken as linear in log(1 - recall), which is about what
    the curves of all peers look like.

    Returns (qps, "=") when the target lies on the curve, (qps, ">") when even
    the fastest point is better than asked, (None, "<") when none reaches it.
    """
    reached = [p for p in points if p[0] >= target]
    if not reached:
        return None, "<"
    best_recall, best = max(reached, key=lambda p: p[1])
    below = [p for p in points if p[0] < target and p[1] > best]
    if not below:
        return best, ">" if best_recall > target else "="

    def x(r):
        return -math.log(max(1 - r, 1e-5))
    # The nearest point on the other side.
    low = max(below, key=lambda p: p[0])
    share = (x(target) - x(low[0])) / (x(best_recall) - x(low[0]))
    return math.exp(math.log(low[1]) * (1 - share) + math.log(best) * share), "="


def spread(values):
    """The median of values, and the lowest and the highest."""
    return statistics.median(values), min(values), max(values)


def ratio(ours, theirs):
    """Of two lists with one value for each round, measured in turn: the ratio
    ours / theirs as (median, lowest, highest)."""
    return spread([a / b for a, b in zip(ours, theirs)])


def exponent(sizes, values):
    """The e for which values grow as size ** e, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def percentiles(nanoseconds):
    """The latencies that half, 95 % and 99 % of queries stay below, in ms."""
    return {f"p{p}": float(np.percentile(nanoseconds, p) / 1e6) for p in (50, 95, 99)}
