"""The pictures of a report, as SVG files."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from . import curve, tables
from .measures import filters

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "vecbench", "font.size": 9, "axes.grid": True,
    "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False})
PRODUCTS = {"vecdb": "#c0392b", "pgvector": "#2471a3", "hnswlib": "#1e8449", "faiss": "#7d3c98"}
MARKERS = "osD^vP*X"


def style(peers):
    """{peer: (colour of the product, marker)}."""
    seen = {}
    result = {}
    for peer in peers:
        product = peer.split()[0]
        seen[product] = seen.get(product, -1) + 1
        result[peer] = PRODUCTS.get(product, "#7f8c8d"), MARKERS[seen[product] % len(MARKERS)]
    return result


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": "vecbench"}, bbox_inches="tight")
    plt.close(figure)
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def recall_qps(path, title, search):
    """Recall against queries a second, a curve for each peer."""
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for peer, (colour, marker) in style(search).items():
        points = sorted((p["recall"], *curve.spread(p["qps"])) for p in search[peer]["points"])
        x, y, low, high = zip(*points)
        # Recall 1 lies at infinity on this axis: at its end, then.
        x = [1 - max(1 - r, 5e-4) for r in x]
        axes.plot(x, y, marker=marker, color=colour, label=peer, linewidth=1.2, markersize=4)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("logit")
    axes.set_xlim(0.5, 0.9997)
    ticks = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_yscale("log")
    axes.set(xlabel="recall", ylabel="queries per second, one client", title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    save(figure, path)


def growth(path, title, peers):
    """Seconds of a query and of a build against rows."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for peer, (colour, marker) in style(peers).items():
        rows, build, query, _ = zip(*peers[peer])
        axes[0].plot(rows, [q * 1e3 for q in query], marker=marker, color=colour, label=peer)
        if min(build) > 0.05:
            axes[1].plot(rows, build, marker=marker, color=colour)
    axes[0].set(ylabel="ms per query at recall 0.95", title=title)
    axes[1].set(ylabel="seconds to build")
    for a in axes:
        a.set(xlabel="rows", xscale="log", yscale="log")
    figure.legend(loc="center left", bbox_to_anchor=(0.93, 0.5), frameon=False)
    save(figure, path)


def filter_grid(path, title, cells):
    """Recall and queries a second against selectivity, a column for each kind
    of filter of one condition."""
    cells = [{**c, "peer": f"{c['peer']} {c['label']}".strip()} for c in tables.filtered(cells)
             if c["conditions"] == 1]
    peers = list(dict.fromkeys(c["peer"] for c in cells))
    figure, axes = plt.subplots(2, len(filters.KINDS), figsize=(10, 5), sharex=True, sharey="row")
    for column, kind in enumerate(filters.KINDS):
        for peer, (colour, marker) in style(peers).items():
            mine = [c for c in cells if c["peer"] == peer and c["kind"] == kind]
            x = [c["selectivity"] * 100 for c in mine]
            look = {"marker": marker, "color": colour, "markersize": 4, "linewidth": 1.2}
            axes[0][column].plot(x, [c["recall"] for c in mine], label=peer if column == 0 else None,
                                 **look)
            axes[1][column].plot(x, [c["qps"] for c in mine], **look)
        axes[0][column].set(title=kind, ylim=(-0.02, 1.05))
        axes[1][column].set(xlabel="rows that match, %", xscale="log", yscale="log")
    axes[0][0].set(ylabel="recall")
    axes[1][0].set(ylabel="queries per second")
    figure.suptitle(title)
    figure.legend(loc="center left", bbox_to_anchor=(0.92, 0.5), frameon=False)
    save(figure, path)
