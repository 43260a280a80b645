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


def best_vecdb(rates, target):
    """The fastest of vecdb's at a recall: (name, values), or None."""
    ours = [(name, r[target][0]) for name, r in rates.items()
            if name.startswith("vecdb") and r[target][0]]
    return max(ours, key=lambda o: curve.spread(o[1])[0], default=None)


def ratios(search):
    """{peer: {target: (median, lowest, highest)}}: the best of vecdb's over
    each other peer, by the rounds, where both reach the recall."""
    rates = at_targets(search)
    found = {}
    for target in TARGETS:
        ours = best_vecdb(rates, target)
        for name, r in rates.items():
            if ours and r[target][0] and not name.startswith("vecdb"):
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
