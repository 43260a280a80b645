"""Two raw files beside each other: what changed from the first to the second."""
from . import curve, store, tables

# A ratio that the rounds of neither run cover, and that is further from 1 than
# this, is marked.
NOTABLE = 0.10


def compare(first, second):
    """A table of the ratios vecdb / peer of two runs, of the queries a second
    of each peer, and of build seconds and bytes; as Markdown."""
    old, new = store.read(first), store.read(second)
    lines = [f"| | {first} | {second} | second / first |", "|---|---|---|---|"]
    for key in sorted(old["results"].keys() & new["results"].keys()):
        name, rows, measure = key.rsplit("/", 2)
        if measure == "search":
            lines += search(f"{name} {rows}", old["results"][key], new["results"][key])
        elif measure == "build":
            lines += build(f"{name} {rows}", old["results"][key], new["results"][key])
    if len(lines) == 2:
        raise SystemExit("the two have no measurement in common")
    return "\n".join(lines)


def row(what, old, new):
    change = new / old
    mark = " **" if abs(change - 1) > NOTABLE else ""
    return f"| {what} | {old:.4g} | {new:.4g} | {change:.2f}{mark} |"


def search(where, old, new):
    lines = []
    ratios = [tables.ratios(r) for r in (old, new)]
    for peer in sorted(ratios[0].keys() & ratios[1].keys()):
        for target in ratios[0][peer].keys() & ratios[1][peer].keys():
            lines.append(row(f"{where}: vecdb / {peer} at {target:.2f}",
                             ratios[0][peer][target][0], ratios[1][peer][target][0]))
    rates = [tables.at_targets(r) for r in (old, new)]
    for peer in sorted(rates[0].keys() & rates[1].keys()):
        for target in tables.TARGETS:
            values = [r[peer][target][0] for r in rates]
            if all(values):
                lines.append(row(f"{where}: {peer}, q/s at {target:.2f}",
                                 *(curve.spread(v)[0] for v in values)))
    return lines


def build(where, old, new):
    lines = []
    for peer in sorted(old.keys() & new.keys()):
        for what in ("seconds", "bytes"):
            values = [r[peer].get(what) for r in (old, new)]
            if all(values):
                lines.append(row(f"{where}: {peer}, build {what}", *values))
    return lines
