"""What the PostgreSQL extensions share: a table, prepared binary statements."""
import struct
import time

import numpy as np
import psycopg

from ..answers import Answers
from .library import TOGETHER

OPERATORS = {"l2": ("<->", "l2"), "cosine": ("<=>", "cosine"), "ip": ("<#>", "ip")}
COLUMNS = "id, counter, random_rank, near_rank, embedding"


class Sql:
    """A peer that is an extension.  A subclass says which extension, access
    method and options, and which settings a search parameter stands for."""
    is_sql = True
    metrics = tuple(OPERATORS)
    method = None               # the access method; None searches exactly
    columns = ()                # of the index, after the vector
    only_filters = False        # is measured with filters alone
    only_search = False         # is not measured with filters, changed or cold
    # By what the report calls them: settings for a filtered search besides.
    filter_settings = {"": {}}

    def __init__(self, data, dsn):
        self.data = data
        self.dsn = dsn
        self.table = self.name.replace(" ", "_")
        self.operator, self.opclass = OPERATORS[data.metric]
        self.bytes = [binary(q) for q in data.queries]
        self.connection = None

    @classmethod
    def missing(cls, server):
        """None, or why it cannot be measured here."""
        database = cls.database()
        with server.connect("postgres") as c:
            if not c.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s",
                             [cls.extension]).fetchone():
                return f"PostgreSQL {server.version} here has no extension {cls.extension}"
            if not c.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                c.execute(f"CREATE DATABASE {database}")
        with server.connect(database) as c:
            c.execute(f"CREATE EXTENSION IF NOT EXISTS {cls.extension}")
            if cls.method and not c.execute("SELECT 1 FROM pg_am WHERE amname = %s",
                                            [cls.method]).fetchone():
                return f"{cls.extension} here has no access method {cls.method}"
        return None

    @classmethod
    def database(cls):
        return f"bench_{cls.extension}"

    @classmethod
    def version(cls, server):
        with server.connect(cls.database()) as c:
            return c.execute("SELECT extversion FROM pg_extension WHERE extname = %s",
                             [cls.extension]).fetchone()[0]

    def connect(self):
        # Prepared statements are prepared here, by name.
        self.connection = psycopg.connect(**self.dsn, autocommit=True, prepare_threshold=None)
        self.prepared = None
        self.vector_type = self.value("SELECT 'vector'::regtype::oid::int8")

    def backend(self):
        """The server's number of the process that answers."""
        if self.connection is None:
            self.connect()
        return self.connection.info.backend_pid

    def sql(self, statement, *args):
        if self.connection is None:
            self.connect()
        return self.connection.execute(statement, args or None)

    def value(self, statement, *args):
        return self.sql(statement, *args).fetchone()[0]

    def load(self, random_rank, near_rank):
        """Make the table and copy the rows in; the ranks are what filters ask
        for.  Its primary key and the indexes of the ranks are made too."""
        dim = self.data.base.shape[1]
        self.drop()
        self.sql(f"CREATE TABLE {self.table} (id int4, counter int4, random_rank int4, "
                 f"near_rank int4, embedding vector({dim}))")
        with self.connection.cursor().copy(
                f"COPY {self.table} ({COLUMNS}) FROM STDIN (FORMAT binary)") as copy:
            for block in binary_rows(self.data.base, random_rank, near_rank):
                copy.write(block)
        self.sql(f"ALTER TABLE {self.table} ADD PRIMARY KEY (id)")
        for column in ("random_rank", "near_rank"):
            self.sql(f"CREATE INDEX ON {self.table} ({column})")

    def drop(self):
        self.sql(f"DROP TABLE IF EXISTS {self.table}")

    def build(self):
        start = time.perf_counter()
        if self.method:
            self.sql(f"CREATE INDEX {self.table}_index ON {self.table} USING {self.method} "
                     f"({', '.join([f'embedding vector_{self.opclass}_ops', *self.columns])})"
                     f"{self.options(len(self.data.base))}")
        return {"seconds": time.perf_counter() - start, "bytes": self.size()}

    def settle(self):
        """Statistics and visibility, as a table has them after a while."""
        self.sql(f"VACUUM ANALYZE {self.table}")
        return {"table_bytes": self.value("SELECT pg_table_size(%s)", self.table)}

    def options(self, _rows):
        """The WITH clause."""
        return ""

    def size(self):
        """Bytes of the index."""
        return self.value("SELECT pg_relation_size(%s)", f"{self.table}_index") if self.method else 0

    def settings_of(self, param):
        """The settings that a search parameter stands for, and those of every
        search: one client uses one core, as a library's does."""
        return {"max_parallel_workers_per_gather": 0}

    def forget(self):
        """Have nothing prepared, and no settings."""
        self.sql("DEALLOCATE ALL")
        self.sql("RESET ALL")
        self.prepared = None

    def prepare(self, param, k, extra=None, where=""):
        """Have the search prepared, with the settings of param and extra."""
        settings = self.settings_of(param) | (extra or {})
        wanted = (settings, k, where)
        if self.connection is None:
            self.connect()
        if self.prepared == wanted:
            return
        self.forget()
        for name, value in settings.items():
            self.sql(f"SET {name} = {value}")
        self.prepared = wanted
        types = [self.vector_type] + [psycopg.adapters.types["int4"].oid] * where.count("$")
        self.connection.pgconn.prepare(b"search", self.statement(k, where).encode(), types)

    def statement(self, k, where="", query="$1"):
        return (f"SELECT id FROM {self.table} {where} "
                f"ORDER BY embedding {self.operator} {query} LIMIT {k}")

    def search(self, param, k, start, seconds, single=False, limit=None):
        """Queries from number start on, one after another, for about so many
        seconds and at most limit of them, as prepared statements with binary
        parameters and results."""
        self.prepare(param, k)
        execute = self.connection.pgconn.exec_prepared
        count = len(self.bytes)
        results, times = [], []
        # The first after a change of settings pays for them.
        execute(b"search", [self.bytes[start % count]], [1], 1)
        begin = now = time.perf_counter_ns()
        end = begin + int(seconds * 1e9)
        i = start
        while now < end and (limit is None or i - start < limit):
            before = time.perf_counter_ns()
            result = execute(b"search", [self.bytes[i % count]], [1], 1)
            now = time.perf_counter_ns()
            times.append(now - before)
            results.append(result)
            i += 1
        times = np.array(times)
        return Answers(np.arange(start, i) % count, np.array([row_ids(r, k) for r in results]),
                       (now - begin) / 1e9, times, now - begin - int(times.sum()))

    def prepare_filtered(self, param, k, columns, label):
        """A filter's range changes from query to query, and what is the best
        plan for one need not be for the next: each is planned."""
        extra = self.filter_settings[label] | {"plan_cache_mode": "force_custom_plan"}
        ranges = [f"{c} >= ${2 * i + 2} AND {c} < ${2 * i + 3}" for i, c in enumerate(columns)]
        self.prepare(param, k, extra, "WHERE " + " AND ".join(ranges) if ranges else "")

    def filtered(self, param, k, columns, windows, label, which):
        """Search for each query number in which, in its window (low and high of
        each of the columns).  Returns the row numbers, and the nanoseconds of
        each."""
        self.prepare_filtered(param, k, columns, label)
        ids, times = [], []
        for q, window in zip(which, windows):
            args = [self.bytes[q], *(struct.pack(">i", int(w)) for w in window)]
            formats = [1] * len(args)
            before = time.perf_counter_ns()
            result = self.connection.pgconn.exec_prepared(b"search", args, formats, 1)
            times.append(time.perf_counter_ns() - before)
            ids.append(row_ids(result, k))
        return np.array(ids), np.array(times)

    def plan(self, param, k, columns, window, label, which):
        """The scan nodes of the plan of such a search."""
        self.prepare_filtered(param, k, columns, label)
        literal = "'[" + ",".join(map(str, self.data.queries[which])) + "]'"
        arguments = ", ".join([literal, *map(str, window)])
        lines = self.sql(f"EXPLAIN (COSTS off) EXECUTE search ({arguments})").fetchall()
        return [line.strip().removeprefix("->").strip() for (line,) in lines
                if "Scan" in line and not line.strip().endswith(":")]

    def insert(self, rows, first):
        """Seconds, and bytes of WAL, to insert rows in one COPY."""
        ids = np.arange(first, first + len(rows))
        return self.logged(lambda: self.copy_in(rows, ids))

    def copy_in(self, rows, ids):
        with self.connection.cursor().copy(
                f"COPY {self.table} ({COLUMNS}) FROM STDIN (FORMAT binary)") as copy:
            for block in binary_rows(rows, ids, ids, ids):
                copy.write(block)

    def insert_one_by_one(self, rows, first, checkpoint=True):
        """Seconds, and bytes of WAL, to insert rows in a transaction each."""
        self.forget()
        self.connection.pgconn.prepare(
            b"insert", f"INSERT INTO {self.table} ({COLUMNS}) VALUES ($1, $1, $1, $1, $2)".encode(),
            [psycopg.adapters.types["int4"].oid, self.vector_type])
        # Waiting for the disk is not what is compared.
        self.sql("SET synchronous_commit = off")
        args = [[struct.pack(">i", first + i), binary(row)] for i, row in enumerate(rows)]

        def insert():
            for a in args:
                self.connection.pgconn.exec_prepared(b"insert", a, [1, 1], 1)
        return self.logged(insert, checkpoint)

    def update(self, count):
        """Seconds, and bytes of WAL, to update another column of the first
        count rows."""
        return self.logged(lambda: self.sql(
            f"UPDATE {self.table} SET counter = counter + 1 WHERE id < {count}"))

    def delete(self, rows, modulus, remainder=0):
        """Delete the rows from number rows on, and every modulus-th."""
        self.sql(f"DELETE FROM {self.table} WHERE id >= {rows} OR id % {modulus} = {remainder}")

    def remove(self, ids):
        """Delete these rows."""
        self.sql(f"DELETE FROM {self.table} WHERE id = ANY (%s)", ids.tolist())

    def put_back(self, ids):
        """Seconds, and bytes of WAL, to insert these again, in one COPY."""
        return self.logged(lambda: self.copy_in(self.data.base[ids], ids))

    def vacuum(self):
        """Seconds, and bytes of WAL, of VACUUM."""
        return self.logged(lambda: self.sql(f"VACUUM {self.table}"))

    def checkpoint(self):
        self.sql("CHECKPOINT")

    def reindex(self):
        self.sql(f"REINDEX INDEX {self.table}_index")

    def logged(self, action, checkpoint=True):
        """Seconds and bytes of WAL of an action.  After a checkpoint what is
        counted includes a whole image of every page it touches first, as for
        any peer."""
        if checkpoint:
            self.sql("CHECKPOINT")
        lsn = self.value("SELECT pg_current_wal_insert_lsn()")
        start = time.perf_counter()
        action()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "wal_bytes": int(self.value(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", lsn))}

    def disconnect(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def cold(self, param, k, count):
        """Milliseconds of the first search on a new connection, and the mean
        of the next count - 1."""
        self.disconnect()
        start = time.perf_counter()
        self.prepare(param, k)
        times = [time.perf_counter()]
        for i in range(count):
            self.connection.pgconn.exec_prepared(b"search", [self.bytes[i]], [1], 1)
            times.append(time.perf_counter())
        return {"first_ms": (times[1] - start) * 1e3,
                "next_ms": (times[-1] - times[1]) * 1e3 / (count - 1)}

    def pgbench(self, param, k):
        """Put the queries in a table, for pgbench to choose from: its script,
        and the options of its connections."""
        self.sql("DROP TABLE IF EXISTS queries")
        self.sql(f"CREATE TABLE queries (i int PRIMARY KEY, q vector({self.data.base.shape[1]}))")
        with self.connection.cursor().copy("COPY queries FROM STDIN") as copy:
            for i, q in enumerate(self.data.queries):
                copy.write(f"{i}\t[{','.join(map(repr, q.tolist()))}]\n")
        self.sql("VACUUM ANALYZE queries")
        script = (f"\\set i random(0, {len(self.data.queries) - 1})\n"
                  + self.statement(k, query="(SELECT q FROM queries WHERE i = :i)") + ";\n")
        return script, " ".join(f"-c {n}={v}" for n, v in self.settings_of(param).items())


class Batch:
    """Asked many queries in a statement, as a library is in a call, so that the
    cost of a statement does not count.  To come before the peer it is like."""
    only_search = True

    def prepare_batch(self, param, k):
        """Have the search of many prepared, besides that of one."""
        before = self.prepared
        self.prepare(param, k)
        if self.prepared is before:
            return
        array = self.value("SELECT 'vector[]'::regtype::oid::int8")
        self.connection.pgconn.prepare(
            b"batch", "SELECT q.n, x.id FROM unnest($1) WITH ORDINALITY q(v, n), "
            f"LATERAL ({self.statement(k, query='q.v')}) x".encode(), [array])
        # The first after a change of settings pays for them.
        self.connection.pgconn.exec_prepared(
            b"batch", [binary_array(self.vector_type, self.bytes[:1])], [1], 1)

    def search(self, param, k, start, seconds, single=False, limit=None):
        if single:
            return super().search(param, k, start, seconds, single, limit)
        self.prepare_batch(param, k)
        count, step = len(self.bytes), TOGETHER[False]
        execute = self.connection.pgconn.exec_prepared
        asked, results = [], []
        inside = 0
        begin = now = time.perf_counter_ns()
        end = begin + int(seconds * 1e9)
        while now < end and (limit is None or len(asked) * step < limit):
            which = np.arange(start, start + step) % count
            argument = binary_array(self.vector_type, [self.bytes[i] for i in which])
            before = time.perf_counter_ns()
            results.append(execute(b"batch", [argument], [1], 1))
            now = time.perf_counter_ns()
            inside += now - before
            asked.append(which)
            start += step
        return Answers(np.concatenate(asked), np.concatenate([batch_ids(r, step, k) for r in results]),
                       (now - begin) / 1e9, None, now - begin - inside)


def batch_ids(result, count, k):
    """As row_ids(), of so many queries, whose numbers from 1 on come first."""
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise RuntimeError(result.error_message.decode())
    ids = [[] for _ in range(count)]
    for i in range(result.ntuples):
        number, row = (int.from_bytes(result.get_value(i, c), "big") for c in (0, 1))
        ids[number - 1].append(row)
    return np.array([found + [-1] * (k - len(found)) for found in ids])


def row_ids(result, k):
    """The int4s of a binary result, -1 where there are fewer than k."""
    if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise RuntimeError(result.error_message.decode())
    ids = [int.from_bytes(result.get_value(i, 0), "big") for i in range(result.ntuples)]
    return ids + [-1] * (k - len(ids))


def binary(x):
    """A vector in its binary format: dimensions, zero, elements."""
    return struct.pack(">hh", len(x), 0) + x.astype(">f4").tobytes()


def binary_array(element_type, elements):
    """An array of them in its binary format: a dimension, no NULLs, from 1 on."""
    return (struct.pack(">iiIii", 1, 0, element_type, len(elements), 1)
            + b"".join(struct.pack(">i", len(e)) + e for e in elements))


def binary_rows(rows, random_rank, near_rank, ids=None):
    """A binary COPY stream of the rows, in blocks."""
    dim = rows.shape[1]
    fields = [("fields", ">i2")]
    for name in ("id", "counter", "random_rank", "near_rank"):
        fields += [(f"{name}_length", ">i4"), (name, ">i4")]
    fields += [("length", ">i4"), ("dim", ">i2"), ("zero", ">i2"), ("x", ">f4", (dim,))]
    ids = np.arange(len(rows)) if ids is None else ids
    yield b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    for at in range(0, len(rows), 10000):
        part = slice(at, at + 10000)
        out = np.zeros(len(rows[part]), np.dtype(fields))
        for name, values in (("id", ids), ("random_rank", random_rank), ("near_rank", near_rank)):
            out[name] = values[part]
        for name in ("id", "counter", "random_rank", "near_rank"):
            out[f"{name}_length"] = 4
        out["fields"], out["length"], out["dim"], out["x"] = 5, 4 + 4 * dim, dim, rows[part]
        yield out.tobytes()
    yield struct.pack(">h", -1)
