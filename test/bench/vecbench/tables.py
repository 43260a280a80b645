"""What a report says, computed from a raw file."""
from . import curve

TARGETS = (0.90, 0.95, 0.99)


def parts(data):
    """(set, rows) of everything measured, by name and size."""
    found = [tuple(key.rsplit("/", 1)) for key in data["notes"] if "/" in key]
    return sorted(found, key=lambda part: (part[0], int(part[1])))


def result(data, name, rows, measure):
    return data["results"].get(f"{name}/{rows}/{measure}", {})


def per_round(points, target):
    """Of one peer: queries a second at a recall in every round, and whether
    that is on its curve (=), or it does better (>) or worse (<) there."""
    marks, values = [], []
    for i in range(min((len(p["qps"]) for p in points), default=0)):
        value, mark = curve.qps_at([(p["recall"], p["qps"][i]) for p in points], target)
        values.append(value)
        marks.append(mark)
    return (None, "<") if None in values or not values else (values, marks[0])


def at_targets(search):
    """{peer: {target: (values of the rounds or None, mark)}}."""
    return {name: {t: per_round(r["points"], t) for t in TARGETS} for name, r in search.items()}


def is_batch(peer):
    """Is it SQL with many queries in a statement?"""
    return peer.endswith(" batch")


def best_vecdb(rates, target, batch=False):
    """The fastest of vecdb's at a recall, with a query in a statement or with
    many: (name, values), or None."""
    ours = [(name, r[target][0]) for name, r in rates.items()
            if name.startswith("vecdb") and is_batch(name) == batch and r[target][0]]
    return max(ours, key=lambda o: curve.spread(o[1])[0], default=None)


def ratios(search, batch=False):
    """{peer: {target: (median, lowest, highest)}}: the best of vecdb's over
    each other peer, by the rounds, where both reach the recall.  SQL is compared
    with what is asked in the same way; libraries, with either."""
    rates = at_targets(search)
    found = {}
    for target in TARGETS:
        ours = best_vecdb(rates, target, batch)
        for name, r in rates.items():
            alike = not name.startswith("pgvector") or is_batch(name) == batch
            if ours and alike and r[target][0] and not name.startswith("vecdb"):
                found.setdefault(name, {})[target] = curve.ratio(ours[1], r[target][0])
    return found


def growth(data):
    """{set: {peer: [(rows, build seconds, seconds a query at recall 0.95,
    bytes)]}} for sets measured at three sizes and more."""
    sizes = {}
    for name, rows in parts(data):
        if result(data, name, rows, "search"):
            sizes.setdefault(name, []).append(int(rows))
    found = {}
    for name, counts in sizes.items():
        for rows in sorted(counts) if len(counts) >= 2 else []:
            build = result(data, name, rows, "build")
            for peer, rates in at_targets(result(data, name, rows, "search")).items():
                if rates[0.95][0]:
                    found.setdefault(name, {}).setdefault(peer, []).append(
                        (rows, build[peer]["seconds"], 1 / curve.spread(rates[0.95][0])[0],
                         build[peer]["bytes"]))
    return found


# The label of settings that force a plan begins with this.
FORCED = "by "
# A plan that takes no more than this times the best one's is as good.
AS_GOOD = 1.5
# An answer with a lower recall is no answer.
LEAST_RECALL = 0.95


def filtered(cells, forced=False):
    """The cells of a filter grid whose plan was, or was not, forced."""
    return [c for c in cells if c.get("label", "").startswith(FORCED) == forced]


def cell_key(cell):
    return cell["kind"], cell["selectivity"], cell["conditions"]


def filter_ratios(cells):
    """{cell: {...}}: of each cell of the grid, vecdb's fastest with enough
    recall, its recall, and its queries per second over those of an exact search
    of the rows that match, of pgvector's iterative search that has the best
    recall, and of itself without a filter."""
    cells = filtered(cells)
    found = {}
    for key in dict.fromkeys(map(cell_key, cells)):
        here = [c for c in cells if cell_key(c) == key]
        ours = best([c for c in here if c["peer"].startswith("vecdb") and c["peer"] != "vecdb exact"
                     and c["recall"] >= LEAST_RECALL])
        if ours is None:
            continue
        exact = best([c for c in here if c["peer"].endswith("exact")])
        rival = max((c for c in here if c["label"] == "iterative"),
                    key=lambda c: (round(c["recall"], 2), c["qps"]), default=None)
        free = [c for c in cells if c["kind"] == "no filter" and c["peer"] == ours["peer"]]
        found[key] = {"peer": ours["peer"], "recall": ours["recall"], "qps": ours["qps"],
                      "exact": over(ours, exact), "iterative": over(ours, rival),
                      "iterative_recall": rival and rival["recall"],
                      "unfiltered": over(ours, free[0]) if free else None}
    return found


def best(cells):
    return max(cells, key=lambda c: c["qps"], default=None)


def over(cell, other):
    return cell["qps"] / other["qps"] if other else None


def planner(cells):
    """{peer: (cells where the planner's choice is as good as the best plan,
    cells, [(cell, time over the best one's, plan)] where it is not)}."""
    found = {}
    for c in filtered(cells):
        others = [o for o in filtered(cells, True) if o["peer"] == c["peer"]
                  and cell_key(o) == cell_key(c) and o["recall"] >= min(c["recall"], LEAST_RECALL)]
        if not others:
            continue
        good, count, bad = found.get(c["peer"], (0, 0, []))
        times = max(o["qps"] for o in others) / c["qps"]
        if times > AS_GOOD:
            bad = bad + [(cell_key(c), times, "; ".join(c["plan"]))]
        found[c["peer"]] = good + (times <= AS_GOOD), count + 1, bad
    return found
