"""The report of a run: README.md and its pictures, from raw.json."""
import pathlib

from . import curve, plots, store, tables

SIGN = {"=": "", ">": "≥ ", "<": ""}
TIMES = ("before", "after", "new")


def write(folder):
    """Write the report into the folder of a raw file."""
    folder = pathlib.Path(folder)
    data = store.read(folder / "raw.json")
    blocks = [heading(data), standing(data), setup(data)]
    for name, rows in tables.parts(data):
        blocks += one_set(folder, data, name, rows)
    blocks += growth(folder, data)
    blocks.append(harness(data))
    (folder / "README.md").write_text("\n\n".join(b for b in blocks if b) + "\n")


def summary(folder):
    """The table of ratios, and where the report is."""
    data = store.read(pathlib.Path(folder) / "raw.json")
    return f"\n{standing(data)}\n\nReport: {pathlib.Path(folder) / 'README.md'}"


def table(head, rows):
    """A Markdown table; nothing when it has no rows."""
    if not rows:
        return ""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def amount(value, unit=""):
    """A number with three digits; – for none."""
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}{unit}"
    return f"{float(f'{value:.3g}'):g}{unit}"


def size(value):
    return amount(None if value is None else value / 2**20)


def heading(data):
    s = data["setup"]
    return (f"# vecdb and its peers, measured\n\n{data['notes'].get('started', '')[:10]}, vecdb "
            f"{s['extensions'].get('vecdb', '')} at commit {s['commit']}, PostgreSQL {s['server']}; "
            f"{s['cpu']}, {s['cores']} cores, {s['memory_gib']} GiB. All peers were measured in one "
            "run, in turn. `make bench` makes this page; raw.json has every number.")


def standing(data):
    """Where vecdb stands: its best over each peer."""
    rows = []
    for name, count in tables.parts(data):
        search = tables.result(data, name, count, "search")
        for batch in (False, True):
            ours = tables.best_vecdb(tables.at_targets(search), 0.95, batch)
            for peer, ratios in tables.ratios(search, batch).items():
                cells = []
                for target in tables.TARGETS:
                    if target in ratios:
                        middle, low, high = ratios[target]
                        cells.append(f"{amount(middle)} ({amount(low)}–{amount(high)})")
                    else:
                        cells.append("–")
                rows.append([f"{name}, {int(count):,}", peer, *cells, ours[0] if ours else "–"])
    if not rows:
        return ""
    return ("## Where vecdb stands\n\nQueries per second of vecdb's best at a recall, over a peer's: "
            "the median of the rounds (lowest–highest). Above 1, vecdb is faster. One client, one "
            "core; vecdb and pgvector through SQL and a socket, with a query in a statement, or "
            "many where a name ends with batch, the libraries in process, asked many queries "
            "in a call. –: a peer that does not reach the recall.\n\n"
            + table(["data", "peer", *(f"at {t:.2f}" for t in tables.TARGETS), "vecdb's best"], rows))


def setup(data):
    s = data["setup"]
    rows = [[name, about] for name, about in s["peers"].items()]
    rows += [[name, f"**missing**: {why}"] for name, why in s["missing"].items()]
    versions = {**{f"extension {k}": v for k, v in s["extensions"].items()}, **s["libraries"]}
    asked = s["asked"]
    return ("## Peers and settings\n\nEach product as it comes, or as its documentation advises.\n\n"
            + table(["peer", "settings"], rows)
            + "\n\n" + ", ".join(f"{k} {v}" for k, v in versions.items())
            + f"; Python {s['python']}; {s['system']}.\n\nServer: `{'`, `'.join(s['conf'])}`, "
            "`max_parallel_workers_per_gather = 0` for searches, `synchronous_commit = off` for "
            f"single inserts.\n\nk = {asked['k']}; every point of a curve measured {asked['rounds']} "
            f"times for {asked['seconds']} s, all peers in turn.")


def one_set(folder, data, name, rows):
    about = data["notes"][f"{name}/{rows}"]
    picture = f"{pathlib.Path(name).stem}-{rows}"
    yield (f"## {name}, {about['rows']:,} rows\n\n{about['about']} "
           f"{about['dim']} dimensions, {about['metric']}.")
    search = tables.result(data, name, rows, "search")
    if search:
        plots.recall_qps(folder / f"{picture}-search.svg", f"{name}, {about['rows']:,} rows", search)
        yield f"### Search\n\n![recall against queries per second]({picture}-search.svg)"
        yield rates(search)
        yield latency(search)
    yield build(tables.result(data, name, rows, "build"))
    cells = tables.result(data, name, rows, "filters")
    if cells:
        plots.filter_grid(folder / f"{picture}-filters.svg", f"{name}, {about['rows']:,} rows", cells)
        yield f"### Filtered search\n\n![filter grid]({picture}-filters.svg)"
        yield from filtered(cells)
    yield rounds(tables.result(data, name, rows, "rounds"))
    yield drift(tables.result(data, name, rows, "drift"))
    yield change(tables.result(data, name, rows, "change"))
    yield scarce(tables.result(data, name, rows, "scarce"), search)
    yield cold(tables.result(data, name, rows, "cold"))


def rates(search):
    rows = []
    for peer, at in tables.at_targets(search).items():
        cells = [SIGN[mark] + amount(curve.spread(v)[0]) if v else "–" for v, mark in at.values()]
        rows.append([peer, *cells, f"{max(p['recall'] for p in search[peer]['points']):.4f}"])
    return ("Queries per second at a recall, one client (≥: even the fastest setting measured has "
            "a higher recall).\n\n"
            + table(["peer", *(f"{t:.2f}" for t in tables.TARGETS), "highest recall"], rows))


def latency(search):
    many = sorted((key for r in search.values() for key in r if key.startswith("clients_")),
                  key=lambda key: int(key[8:]))
    rows = []
    for peer, r in search.items():
        one = r["clients_1"]
        cells = [r["operating"], *(amount(one.get(p)) for p in ("p50", "p95", "p99"))]
        for key in dict.fromkeys(many):
            cells.append(amount(curve.spread(r[key]["qps"])[0]))
            cells.append(amount(r.get("pgbench", {}).get(key[8:])))
        rows.append([peer, *cells])
    heads = [h for key in dict.fromkeys(many) for h in (f"q/s, {key[8:]} clients", "by pgbench")]
    return ("Queries asked one by one, at the first setting that reaches a recall of 0.95: "
            "milliseconds that half, 95 % and 99 % stay below; queries per second of one and of "
            "several clients (of a library, threads in one call).\n\n"
            + table(["peer", "setting", "p50", "p95", "p99", *heads], rows))


def build(build):
    rows = []
    for peer, b in build.items():
        if "failed" in b:
            rows.append([peer, f"failed: {b['failed']}", "", "", ""])
        else:
            rows.append([peer, amount(b["seconds"]), size(b["peak_bytes"]), size(b["bytes"]),
                         size(b.get("table_bytes"))])
    return ("### Build\n\nPeak memory is what the build took besides the rows and the server's "
            "buffers; of a library, whose index holds the rows, all that it took.\n\n"
            + table(["peer", "seconds", "peak MiB", "index MiB", "table MiB"], rows)) if rows else ""


def name_of(key):
    """A cell of the filter grid, to read."""
    kind, share, conditions = key
    return kind if conditions == 0 else f"{share * 100:g} %, {kind}, {conditions} cond."


def filtered(cells):
    rows = [[name_of(key), r["peer"], f"{r['recall']:.3f}", amount(r["qps"]), amount(r["exact"]),
             amount(r["iterative"]), f"{r['iterative_recall']:.3f}" if r["iterative"] else "–",
             amount(r["unfiltered"])]
            for key, r in tables.filter_ratios(cells).items()]
    yield ("vecdb's fastest with a recall of 0.95, as it comes: its queries per second over those "
           "of an exact search by b-tree, of pgvector's iterative search, and of itself without a "
           "filter.\n\n"
           + table(["filter", "vecdb's", "recall", "q/s", "over exact", "over pgvector",
                    "pgvector's recall", "over unfiltered"], rows))
    rows = []
    for peer, (good, count, bad) in tables.planner(cells).items():
        worst = "; ".join(f"{name_of(key)}: {amount(times)}x, {plan}" for key, times, plan in bad)
        rows.append([peer, f"{good} of {count}", worst or "–"])
    if rows:
        yield (f"Cells where the plan that PostgreSQL chose takes at most {tables.AS_GOOD} times as "
               "long as the best of those that settings can force.\n\n"
               + table(["peer", "cells", "others: time over the best's, plan"], rows))
    rows = [[name_of(tables.cell_key(c)), f"{c['peer']} {c['label']}".strip(), f"{c['recall']:.3f}",
             amount(c["qps"]), f"{c['returned'] * 100:.0f} %", "; ".join(c.get("plan", []))]
            for c in tables.filtered(cells)]
    yield ("<details><summary>All peers</summary>\n\n"
           + table(["filter", "peer", "recall", "q/s", "rows returned of those asked", "plan"], rows)
           + "\n\n</details>")


def change(change):
    rows = []
    for peer, c in change.items():
        rows.append([peer] + [amount(c.get(key)) for key in (
            "insert_single_per_s", "insert_batch_per_s", "insert_single_wal", "insert_later_wal",
            "update_per_s", "update_wal", "vacuum_seconds")]
            + [f"{c[k]:.4f}" if k in c else "–" for k in ("recall_before", "recall_after")]
            + [size(c.get(k)) for k in ("bytes_before", "bytes_after")])
    return ("### Change\n\nRows per second and bytes of WAL per row (page images after a checkpoint "
            "included; later: of the second half of the inserts), with the index in place; UPDATE is of "
            "another column; a fifth of the rows is deleted before VACUUM.\n\n"
            + table(["peer", "inserts/s", "in one COPY", "WAL bytes", "later", "updates/s", "WAL bytes",
                     "VACUUM s", "recall before", "after", "index MiB before", "after"], rows)
            ) if rows else ""


def rounds(rounds):
    rows = [[peer, amount(r["seconds"]), *(f"{r[when]['recall']:.4f}" for when in TIMES),
             *(size(r[when]["bytes"]) for when in TIMES)] for peer, r in rounds.items()]
    return ("### Rounds of change\n\nTen times a fifth of the rows is deleted, the table vacuumed, "
            "and the same rows are inserted again by COPY; then the index is made anew.\n\n"
            + table(["peer", "seconds", "recall before", "after", "made anew",
                     "index MiB before", "after", "made anew"], rows)) if rows else ""


def drift(drift):
    states = ("after", "new")
    rows = [[peer, amount(r["insert_per_s"]), amount(r["vacuum_seconds"]),
             *(f"{r[when]['recall']:.4f}" for when in states), *(amount(r[when]["ms"]) for when in states),
             *(size(r[when]["bytes"]) for when in states)] for peer, r in drift.items()]
    return ("### Drift\n\nThe index is made over one half of the rows; the other half, of other "
            "topics, is inserted by COPY, the first is deleted, and the table vacuumed; then the index "
            "is made anew.\n\n"
            + table(["peer", "inserts/s", "VACUUM s", "recall after", "made anew", "ms/query after",
                     "made anew", "index MiB after", "made anew"], rows)) if rows else ""


def scarce(scarce, search):
    rows = [[peer, f"failed: {r['failed']}", "", "", "", ""] if "failed" in r else
            [peer, size(r["bytes"]), size(r["given"]), f"{r['recall']:.4f}", amount(r["qps"]),
             amount(curve.spread(search[peer]["clients_1"]["qps"])[0]) if peer in search else "–"]
            for peer, r in scarce.items()]
    return ("### Scarce memory\n\nQueries per second, asked one by one, of a server that has half as "
            "much memory for files and buffers as the index is large (by a control group).\n\n"
            + table(["peer", "index MiB", "memory MiB", "recall", "q/s", "with all in memory"], rows)
            ) if rows else ""


def cold(cold):
    rows = [[peer, amount(c["first_ms"]), amount(c["next_ms"]),
             "yes" if c["caches_dropped"] else "no"] for peer, c in cold.items()]
    return ("### Cold start\n\nMilliseconds to the first answer after a restart of the server (of a "
            "library: after opening its file), then of the queries after it.\n\n"
            + table(["peer", "first", "next 19, mean", "page cache dropped"], rows)) if rows else ""


def growth(folder, data):
    for name, peers in tables.growth(data).items():
        picture = f"{pathlib.Path(name).stem}-growth.svg"
        plots.growth(folder / picture, name, peers)
        rows = []
        for peer, points in peers.items():
            counts, seconds, query, bytes_ = zip(*points)
            cells = [" / ".join(amount(q * 1e3) for q in query), " / ".join(map(amount, seconds)),
                     " / ".join(map(size, bytes_))]
            fits = [f"{curve.exponent(counts, v):.2f}" if len(points) > 1 and min(v) > 0.001 else "–"
                    for v in (seconds,)]
            rows.append([peer, " / ".join(f"{c:,}" for c in counts), cells[0],
                         f"{curve.exponent(counts, query):.2f}" if len(points) > 1 else "–",
                         cells[1], fits[0], cells[2]])
        yield (f"## Growth: {name}\n\n![growth]({picture})\n\nMilliseconds per query at recall 0.95, "
               "seconds to build and MiB of index against rows, and the e of rows^e fitted to it.\n\n"
               + table(["peer", "rows", "ms/query", "e", "build s", "e", "MiB"], rows))


def harness(data):
    """How much of what was measured was the harness's own."""
    worst = 0
    for name, rows in tables.parts(data):
        for r in tables.result(data, name, rows, "search").values():
            for p in r["points"]:
                worst = max(worst, p["own_ns"] * 1e-9 * curve.spread(p["qps"])[0])
    return (f"## The harness itself\n\nIts own share of the time of a query, outside the call to the "
            f"driver or the library, was {worst * 100:.1f} % at most." if worst else "")
