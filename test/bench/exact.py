#!/usr/bin/env python3
"""Exact search, COPY and aggregates: vecdb beside pgvector, in one server.

    exact.py --host SOCKET_FOLDER_OR_HOST [--port 5432] [--user postgres]
             --vectors base.npy [--wide 6] [--runs 7]

The server must have both extensions to install.  base.npy holds the vectors
(any numeric type, rows x dimensions); a second, wider set is made of --wide
of them side by side, scaled to length 1 (6 x 128 = 768 dimensions).

Makes two databases, bench_vecdb and bench_pgvector, with the same tables and
rows, runs each statement in both in turn, and prints the CPU time of the
backend that ran it (from /proc: the server must be on this machine), the
median of the runs, and the ratio.  Answers are compared.  Needs numpy and
psycopg.
"""
import argparse
import statistics
import struct
import time

import numpy
import psycopg

EXTENSIONS = {"pgvector": "vector", "vecdb": "vecdb"}
ONLY = ""


def binary_copy(rows):
    """The rows (id, vector) as PostgreSQL's binary COPY stream, in blocks."""
    dim = rows.shape[1]
    row = numpy.dtype([("fields", ">i2"), ("l1", ">i4"), ("id", ">i4"), ("l2", ">i4"),
                       ("dim", ">i2"), ("unused", ">i2"), ("x", ">f4", (dim,))])
    yield b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    for start in range(0, len(rows), 10000):
        part = rows[start:start + 10000]
        out = numpy.zeros(len(part), row)
        out["fields"], out["l1"], out["l2"], out["dim"] = 2, 4, 4 + 4 * dim, dim
        out["id"] = numpy.arange(start, start + len(part))
        out["x"] = part
        yield out.tobytes()
    yield struct.pack(">h", -1)


class Server:
    def __init__(self, options, name):
        self.name = name
        self.dsn = dict(host=options.host, port=options.port, user=options.user)
        with psycopg.connect(dbname="postgres", autocommit=True, **self.dsn) as c:
            c.execute(f"DROP DATABASE IF EXISTS bench_{name} WITH (FORCE)")
            c.execute(f"CREATE DATABASE bench_{name}")
        self.connection = psycopg.connect(dbname=f"bench_{name}", autocommit=True, **self.dsn)
        self.connection.execute(f"CREATE EXTENSION {EXTENSIONS[name]}")
        self.connection.execute("SET max_parallel_workers_per_gather = 0")
        self.connection.execute("SET jit = off")
        self.connection.prepare_threshold = 0

    def cpu(self):
        """Milliseconds of CPU the backend has used."""
        with open(f"/proc/{self.connection.info.backend_pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e6

    def copy_in(self, table, fmt, blocks):
        with self.connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT {fmt})") as copy:
            for block in blocks:
                copy.write(block)

    def run(self, sql, arguments=None):
        return self.connection.execute(sql, arguments).fetchall()


def compare(servers, what, runs, action):
    """Runs action(server) in turn; prints the medians and the ratio."""
    if ONLY not in what:
        return
    times = {s.name: [] for s in servers}
    walls = {s.name: [] for s in servers}
    answers = {}
    for i in range(runs + 1):
        for s in servers:
            before, wall = s.cpu(), time.perf_counter()
            answers[s.name] = action(s)
            if i > 0:           # the first run warms up
                times[s.name].append(s.cpu() - before)
                walls[s.name].append((time.perf_counter() - wall) * 1000)
    mid = {name: statistics.median(t) for name, t in times.items()}
    wall = {name: statistics.median(t) for name, t in walls.items()}
    same = "same answer" if answers["vecdb"] == answers["pgvector"] else "ANSWERS DIFFER"
    print(f"{what:34} pgvector {mid['pgvector']:9.1f} ms  vecdb {mid['vecdb']:9.1f} ms  "
          f"ratio {mid['pgvector'] / mid['vecdb']:5.2f}  (wall {wall['pgvector'] / wall['vecdb']:5.2f})  {same}",
          flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", default="5432")
    parser.add_argument("--user", default="postgres")
    parser.add_argument("--vectors", required=True)
    parser.add_argument("--wide", type=int, default=6)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="", help="statements whose title has this in it")
    parser.add_argument("--first", choices=EXTENSIONS, default="pgvector",
                        help="which is loaded, and runs, first")
    options = parser.parse_args()
    global ONLY
    ONLY = options.only

    narrow = numpy.load(options.vectors).astype(numpy.float32)
    n = len(narrow)
    step = n // options.wide
    index = (numpy.arange(min(n, 300000))[:, None] + numpy.arange(options.wide)[None, :] * step) % n
    wide = numpy.concatenate([narrow[index[:, k]] for k in range(options.wide)], axis=1)
    wide /= numpy.linalg.norm(wide, axis=1, keepdims=True)
    servers = [Server(options, name) for name in sorted(EXTENSIONS, key=lambda n: n != options.first)]

    tables = {"narrow": narrow, "wide": wide}
    for s in servers:
        for table, rows in tables.items():
            s.connection.execute(f"CREATE TABLE {table} (id int4, v vector({rows.shape[1]}))")
            s.copy_in(table, "binary", binary_copy(rows))
            s.connection.execute(f"CREATE TABLE {table}_inline (id int4, v vector({rows.shape[1]}))")
            s.connection.execute(f"ALTER TABLE {table}_inline ALTER v SET STORAGE PLAIN")
            s.connection.execute(f"INSERT INTO {table}_inline SELECT * FROM {table}")
        s.connection.execute("VACUUM (FREEZE, ANALYZE)")

    for table, rows in tables.items():
        query = "[" + ",".join(str(x) for x in rows[77].tolist()) + "]"
        for stored in ("", "_inline") if table == "wide" else ("",):
            for op, name in (("<->", "L2"), ("<=>", "cosine"), ("<#>", "inner product")):
                sql = f"SELECT id FROM {table}{stored} ORDER BY v {op} %s::vector, id LIMIT 10"
                compare(servers, f"top 10 {name} {rows.shape[1]}-d{stored}", options.runs,
                        lambda s, sql=sql, query=query: s.run(sql, (query,)))
            compare(servers, f"read {rows.shape[1]}-d{stored} (vector_dims)", options.runs,
                    lambda s, t=table + stored: s.run(f"SELECT sum(vector_dims(v)) FROM {t}"))
        compare(servers, f"count(*) {rows.shape[1]}-d", options.runs,
                lambda s, t=table: s.run(f"SELECT count(*) FROM {t}"))
        compare(servers, f"avg {rows.shape[1]}-d", 1,
                lambda s, t=table: [len(s.run(f"SELECT avg(v) FROM {t}"))])

    rows = wide[:100000]
    text = "".join(f"{i}\t[{','.join(map(str, row.tolist()))}]\n" for i, row in enumerate(rows.astype(numpy.float32))).encode()
    binary = list(binary_copy(rows))
    blocks = [text[i:i + (1 << 20)] for i in range(0, len(text), 1 << 20)]

    def copying(fmt, data):
        def action(s):
            s.connection.execute("DROP TABLE IF EXISTS c")
            s.connection.execute(f"CREATE UNLOGGED TABLE c (id int4, v vector({rows.shape[1]}))")
            s.copy_in("c", fmt, data)
            return s.run("SELECT count(*) FROM c")
        return action

    def copying_out(fmt):
        def action(s):
            total = 0
            with s.connection.cursor().copy(f"COPY c TO STDOUT (FORMAT {fmt})") as copy:
                for block in copy:
                    total += len(block)
            return total
        return action

    for fmt, data in (("text", blocks), ("binary", binary)):
        compare(servers, f"COPY {len(rows)} x {rows.shape[1]} in, {fmt}", 3, copying(fmt, data))
        compare(servers, f"COPY {len(rows)} x {rows.shape[1]} out, {fmt}", 3, copying_out(fmt))
    first = numpy.concatenate([wide[0], wide[1]])
    count = 2000
    for digits, numbers in (("float", first), ("double", first.tolist())):
        value = "[" + ",".join(map(str, numbers)) + "]"
        compare(servers, f"text in, {len(first)}-d, {digits}s, {count} x", 5,
                lambda s, value=value: s.run(f"SELECT count(vector_in(textout(%s::text || repeat(' ', i %% 2)), 0, -1)) FROM generate_series(1, {count}) i", (value,)))
    for s in servers:
        s.connection.close()
        with psycopg.connect(dbname="postgres", autocommit=True, **s.dsn) as c:
            c.execute(f"DROP DATABASE bench_{s.name} WITH (FORCE)")


if __name__ == "__main__":
    main()
