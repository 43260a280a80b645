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
ROUNDS = 2
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


class Filter:
    """One cell of the grid: a kind, a share of the rows, and one condition or
    two.  The second one is a range of id, which is uncorrelated with all."""

    def __init__(self, context, kind, share, conditions):
        self.kind = kind
        self.share = share
        self.conditions = conditions
        count = len(context.data.base)
        # Of two conditions, the second leaves half of the rows, or its root of them.
        second = max(0.5, share ** 0.5) if conditions == 2 else 1
        self.which = np.arange(min(QUERIES, len(context.data.queries)))
        self.columns = [context.ranks.column(kind)] + ["id"] * (conditions - 1)
        self.windows = [context.ranks.window(kind, share / second, i, context.data.queries[i])
                        for i in self.which]
        rank = context.ranks.of(kind)
        self.masks = [(rank >= low) & (rank < high) for low, high in self.windows]
        if conditions == 2:
            width = round(count * second)
            lows = [(int(i) * 104729) % (count - width + 1) for i in self.which]
            ids = np.arange(count)
            self.masks = [m & (ids >= low) & (ids < low + width) for m, low in zip(self.masks, lows)]
            self.windows = [(*w, low, low + width) for w, low in zip(self.windows, lows)]
        self.truth = [datasets.truth(context.data.base, context.data.queries[i:i + 1],
                                     context.data.metric, context.k, mask=mask)[0]
                      for i, mask in zip(self.which, self.masks)]


class Everything(Filter):
    """No filter, for comparison."""

    def __init__(self, context):
        self.kind, self.share, self.conditions = "no filter", 1, 0
        self.which = np.arange(min(QUERIES, len(context.data.queries)))
        self.columns = []
        self.windows = [()] * len(self.which)
        self.masks = [np.ones(len(context.data.base), bool)] * len(self.which)
        self.truth = [datasets.truth(context.data.base, context.data.queries[i:i + 1],
                                     context.data.metric, context.k)[0] for i in self.which]


def measure(context):
    """A list of cells: peer, label of its settings, kind, selectivity,
    conditions, recall, qps, rows returned of those asked for, and for servers
    the plan."""
    cells = []
    grid = [(kind, share, n) for kind in KINDS for share in SELECTIVITIES for n in (1, 2)]
    for cell in context.progress([None, *grid], "filtering"):
        asked = Filter(context, *cell) if cell else Everything(context)
        cells += measure_filter(context, asked)
    return cells


def measure_filter(context, asked):
    """The cells of one filter: all peers in turn, ROUNDS times."""
    answers = {}
    for _ in range(ROUNDS):
        for subject in context.subjects.values():
            if not subject.can("filtered"):
                continue
            for label in getattr(subject.peer, "filter_settings", {"": None}):
                answers.setdefault((subject.name, label), []).append(
                    answer(context, subject, asked, label))
    return [{"peer": name, "label": label, "kind": asked.kind, "selectivity": asked.share,
             "conditions": asked.conditions}
            | cell(context, context.subjects[name], asked, label, rounds)
            for (name, label), rounds in answers.items()]


def param_of(context, subject):
    """vecdb is measured as it comes, others at the setting that reaches the
    operating recall without filters."""
    return getattr(subject.peer, "filter_param", context.points.get(subject.name))


def answer(context, subject, asked, label):
    """The row numbers that a peer finds, and the nanoseconds of each query."""
    param = param_of(context, subject)
    if subject.peer.is_sql:
        with subject.on_cores():
            return subject.call("filtered", param, context.k, asked.columns, asked.windows, label,
                                asked.which)
    return subject.call("filtered", param, context.k, asked.masks, asked.which)


def cell(context, subject, asked, label, rounds):
    ids = rounds[0][0]
    # What the machine did meanwhile is not what is compared.
    times = np.min([times for _, times in rounds], axis=0)
    extra = {}
    if subject.peer.is_sql:
        extra["plan"] = subject.call("plan", param_of(context, subject), context.k, asked.columns,
                                     asked.windows[0], label, 0)
    found = context.recall(Answers(asked.which, ids, 0, None, 0), dict(zip(asked.which, asked.truth)))
    wanted = sum(min(context.k, int((t >= 0).sum())) for t in asked.truth)
    return {"recall": float(found.mean()), "qps": 1e9 / float(np.mean(times)),
            "returned": int((ids >= 0).sum()) / wanted} | extra
