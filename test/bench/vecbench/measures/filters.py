"""Filtered search: WHERE column in a range, of several selectivities, with
filters that have nothing to do with the query, that match near it, and that
match far from it.

Rows have two ranks.  random_rank is a random order: a range of it is a filter
uncorrelated with any query.  near_rank is an order in which rows next to each
other are near each other: that of the leaves of a tree that halves the rows
again and again along their direction of largest variance.  A range of it
around the query's own place correlates with the query, one half the order away
is on the other side of the first split, so anti-correlated.
"""
import numpy as np

from .. import datasets
from ..answers import Answers

SELECTIVITIES = (0.001, 0.01, 0.1, 0.5)
KINDS = ("uncorrelated", "correlated", "anti-correlated")
QUERIES = 100
LEAF = 200
SEED = 20240229


class Ranks:
    """The two orders of the rows, and the windows of filters."""

    def __init__(self, base):
        self.count = len(base)
        rng = np.random.default_rng(SEED)
        self.random = rng.permutation(self.count).astype(np.int32)
        self.splits = {}
        order = np.empty(self.count, np.int64)
        self._split(base, np.arange(self.count), 1, 0, order, rng)
        self.near = np.empty(self.count, np.int32)
        self.near[order] = np.arange(self.count)

    def _split(self, base, rows, node, first, order, rng):
        """Put rows in order from place first on, below this node."""
        if len(rows) <= LEAF:
            order[first:first + len(rows)] = rows
            return
        direction = spread(base[rng.choice(rows, min(len(rows), 1000), replace=False)], rng)
        along = base[rows] @ direction
        half = len(rows) // 2
        by = np.argpartition(along, half)
        self.splits[node] = direction, along[by[half]]
        self._split(base, rows[by[:half]], 2 * node, first, order, rng)
        self._split(base, rows[by[half:]], 2 * node + 1, first + half, order, rng)

    def place(self, query):
        """Where in the near order a query belongs."""
        node, low, high = 1, 0, self.count
        while node in self.splits:
            direction, limit = self.splits[node]
            half = low + (high - low) // 2
            if query @ direction < limit:
                node, high = 2 * node, half
            else:
                node, low = 2 * node + 1, half
        return (low + high) // 2

    def window(self, kind, selectivity, number, query):
        """The range (low, high) of the filter's column for a query."""
        width = max(1, round(self.count * selectivity))
        if kind == "uncorrelated":
            middle = (number * 7919) % self.count
        else:
            middle = self.place(query)
            if kind == "anti-correlated":
                middle = (middle + self.count // 2) % self.count
        low = min(max(0, middle - width // 2), self.count - width)
        return low, low + width

    def column(self, kind):
        return "random_rank" if kind == "uncorrelated" else "near_rank"

    def of(self, kind):
        return self.random if kind == "uncorrelated" else self.near


def spread(rows, rng):
    """About the direction in which rows differ most, by power iteration."""
    rows = rows - rows.mean(axis=0)
    direction = rng.standard_normal(rows.shape[1]).astype(np.float32)
    for _ in range(20):
        direction = (rows @ direction) @ rows
        direction /= np.linalg.norm(direction) or 1
    return direction


def measure(context):
    """A list of cells: peer, kind, selectivity, recall, qps, rows returned of
    those asked for, and for servers the plan."""
    cells = []
    grid = [(kind, share) for kind in KINDS for share in SELECTIVITIES]
    for kind, share in context.progress(grid, "filtering"):
        which = np.arange(min(QUERIES, len(context.data.queries)))
        windows = [context.ranks.window(kind, share, i, context.data.queries[i]) for i in which]
        rank = context.ranks.of(kind)
        masks = [(rank >= low) & (rank < high) for low, high in windows]
        truth = [datasets.truth(context.data.base, context.data.queries[i:i + 1],
                                context.data.metric, context.k, mask=mask)[0]
                 for i, mask in zip(which, masks)]
        for name, subject in context.subjects.items():
            if not subject.can("filtered"):
                continue
            for label in getattr(subject.peer, "filter_settings", {"": None}):
                cells.append({"peer": f"{name} {label}".strip(), "kind": kind, "selectivity": share}
                             | cell(context, subject, kind, windows, masks, truth, which, label))
    return cells


def cell(context, subject, kind, windows, masks, truth, which, label):
    """One peer under one filter."""
    param = context.points[subject.name]
    if subject.peer.is_sql:
        args = (param, context.k, context.ranks.column(kind))
        ids, times = subject.call("filtered", *args, windows, label, which)
        extra = {"plan": subject.call("plan", *args, windows[0], label, 0)}
    else:
        ids, times = subject.call("filtered", param, context.k, masks, which)
        extra = {}
    found = context.recall(Answers(which, ids, 0, None, 0), dict(zip(which, truth)))
    asked = sum(min(context.k, int((t >= 0).sum())) for t in truth)
    return {"recall": float(found.mean()), "qps": 1e9 / float(np.mean(times)),
            "returned": int((ids >= 0).sum()) / asked} | extra
