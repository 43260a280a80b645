"""A table with indexes of one access method, and clients that change it and
remember what the server has acknowledged.

Row id has the vector row_vector(id, turn), so that anyone can tell whether a
row is as it was written.  Each writer has ids of its own: what the table has
of them is the outcome of its transactions, one after the other, and after a
crash all or nothing of the one whose COMMIT was not answered.
"""

import random
import threading

import psycopg

from finding import Finding, expect

WRITERS = 8

# Index name: its definition, the operator, and what it is applied to.  One of
# each method has filter columns, one is of an expression.
INDEXES = {
    "btree": {"tag": ("btree (tag, turn)", None, None)},
    "hnsw": {
        "coded": ("hnsw (v vector_l2_ops, tag, turn) WITH (m = 8)", "<->", "v"),
        "plain": ("hnsw (v vector_cosine_ops) WITH (quantizer = none)", "<=>", "v"),
        "taxi": ("hnsw ((v::halfvec(24)) halfvec_l1_ops) WITH (m = 4)", "<+>",
                 "v::halfvec(24)"),
    },
    "ivf": {
        "coded": ("ivf (v vector_l2_ops, tag, turn)", "<->", "v"),
        "plain": ("ivfflat (v vector_cosine_ops)", "<=>", "v"),
        "half": ("ivf ((v::halfvec(24)) halfvec_ip_ops) WITH (quantizer = sq8)", "<#>",
                 "v::halfvec(24)"),
    },
}

# Other types: what the vector of a row becomes one by, and two of their metrics.
TYPES = {
    "vector": ("%s", ("vector_l2_ops", "<->"), ("vector_cosine_ops", "<=>")),
    "halfvec": ("%s::public.halfvec", ("halfvec_l2_ops", "<->"), ("halfvec_ip_ops", "<#>")),
    "bit": ("public.binary_quantize(%s)", ("bit_hamming_ops", "<~>"), ("bit_jaccard_ops", "<%>")),
    "sparsevec": ("(%s OPERATOR(public.*) ('[' || repeat('1,0,', 11) || '1,1]')::public.vector)"
                  "::public.sparsevec",
                  ("sparsevec_l2_ops", "<->"), ("sparsevec_cosine_ops", "<=>")),
    "int8vec": ("(%s OPERATOR(public.*) array_fill(60, ARRAY[24])::public.vector)"
                "::public.int8vec", ("int8vec_l2_ops", "<->"), ("int8vec_l1_ops", "<+>")),
}


def indexes_of(method, of):
    """The like of INDEXES for a type; method may be "ivfflat", too."""
    _, one, two = TYPES[of]
    return {"coded": (f"{method} (v {one[0]}, tag, turn)", one[1], "v"),
            "plain": (f"{method} (v {two[0]})", two[1], "v")}


SETUP = """
CREATE EXTENSION IF NOT EXISTS vecdb;
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE OR REPLACE FUNCTION made(seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT array_agg(sin(seed / 50 * 12.9898::float8 + i * 78.233::float8)
          + 0.5 * sin(seed * 12.9898::float8 + seed % 1009 * i * 0.37::float8))::public.vector
      FROM generate_series(1, 24) i$$;
CREATE OR REPLACE FUNCTION row_vector(id int, turn int) RETURNS vector LANGUAGE sql IMMUTABLE AS
    $$SELECT CASE WHEN id % 41 = 3 THEN NULL WHEN id % 13 = 7 THEN public.made(1)
          ELSE public.made(id + turn * 7919 % 20000) END$$;
""" + "".join(f"""
CREATE OR REPLACE FUNCTION made_{of}(seed int) RETURNS {of} LANGUAGE sql IMMUTABLE AS
    $$SELECT {cast % "public.made(seed)"}$$;
CREATE OR REPLACE FUNCTION row_{of}(id int, turn int) RETURNS {of} LANGUAGE sql IMMUTABLE AS
    $$SELECT {cast % "public.row_vector(id, turn)"}$$;
""" for of, (cast, _, _) in TYPES.items() if of != "vector")

# Of 2,000 rows this index of hnsw does not fit into a megabyte, and is built in parts.
LARGE = {"hnsw": "hnsw (v vector_ip_ops, tag) WITH (m = 64, ef_construction = 128)",
         "ivf": "ivf (v vector_ip_ops, tag)"}

# Only the index scan is left; and none but it.
BY_INDEX = {"enable_seqscan": "off", "enable_sort": "off", "enable_bitmapscan": "off"}
BY_TABLE = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off",
            "vecdb.enable_filtered_scan": "off"}

# All nodes and all lists are looked at, so that nothing is left to chance.
EVERYTHING = {"hnsw.ef_search": "1000", "ivf.probes": "100000", "ivfflat.probes": "32768"}
BITMAP = {"enable_seqscan": "off", "enable_sort": "off"}

# The ways to a row: of an index scan, and of bitmaps with exact distances or
# through the index.
WAYS = {
    "index": {**BY_INDEX, **EVERYTHING},
    "exact": {**BITMAP, **EVERYTHING, "vecdb.filtered_scan_strategy": "exact"},
    "search": {**BITMAP, **EVERYTHING, "vecdb.filtered_scan_strategy": "search"},
}


class World:
    """The table NAME on a server; kind may be "UNLOGGED".  Its column v is of the
    type OF, if one is named, or a vector."""

    def __init__(self, server, method, name="items", kind="", of=None):
        self.server = server
        self.method = method
        self.name = name
        self.kind = kind
        self.type = of or "vector"
        indexes = indexes_of(method, of) if of else INDEXES[method]
        self.indexes = {f"{name}_{short}": index for short, index in indexes.items()}
        self.writers = [Writer(self, number) for number in range(WRITERS)]

    def create(self, rows=2000):
        """The table with rows, and its indexes: of an empty table, but one."""
        self.server.script(SETUP + f"CREATE {self.kind} TABLE {self.name} (id int PRIMARY KEY,"
                           f" turn int, tag int, note int DEFAULT 0, v {self.type}(24));")
        first, *others = self.indexes
        self.create_index(first)
        self.server.script(
            f"INSERT INTO {self.name} SELECT i, 0, i % 10, 0, row_{self.type}(i, 0)"
            f" FROM generate_series(1, {rows}) i;")
        for name in others:
            self.create_index(name)
        for writer in self.writers:
            writer.rows = {i: 0 for i in range(1, rows + 1) if i % WRITERS == writer.number}
            writer.next = rows + 1
        return self

    def create_index(self, name, how=""):
        self.server.script(f"CREATE INDEX {how} {name} ON {self.name}"
                           f" USING {self.indexes[name][0]};")

    def operand(self, name, seed):
        """A vector to compare those of an index with."""
        if "half" in self.indexes[name][2]:
            return f"made({seed})::halfvec"
        return f"made({seed})" if self.type == "vector" else f"made_{self.type}({seed})"

    # ---- clients ----

    def write(self, count, seed, pause=0.0):
        """Start the first writers; they go on until stop(), or a crash."""
        busy = self.writers[:count]
        for writer in busy:
            writer.start(f"{seed}:{writer.number}", pause)
        return busy

    def stop(self):
        """End all clients that are writing.  Returns the errors that the
        server answered."""
        errors = []
        for writer in self.writers:
            errors += writer.stop()
        return errors

    def thin(self, rows):
        """Delete the oldest rows but some, so that the table stays small."""
        last = sorted(row for writer in self.writers for row in writer.rows)[-rows:]
        self.server.script(f"DELETE FROM {self.name} WHERE id < {last[0]};")
        for writer in self.writers:
            writer.rows = {i: turn for i, turn in writer.rows.items() if i >= last[0]}

    def delete(self, share, chance):
        """Delete a part of the rows, wherever they are."""
        for writer in self.writers:
            gone = [row for row in sorted(writer.rows) if chance.random() < share]
            self.server.rows(f"DELETE FROM {self.name} WHERE id = ANY (%s::int[])", gone)
            for row in gone:
                del writer.rows[row]

    # ---- what there is ----

    def remember(self):
        """From now on writers remember what there was after each transaction,
        for a server that may be behind; until settle(behind)."""
        for writer in self.writers:
            writer.history = [writer.rows]

    def remembered(self):
        """How many transactions of each writer were acknowledged since then."""
        return [len(writer.history) - 1 for writer in self.writers]

    def settle(self, behind=None):
        """Oracle (a): the table has what was acknowledged, and of each
        transaction in doubt all or nothing.  A server may be behind: it has
        what was acknowledged first, so many transactions of each writer at
        least.  Returns how many rows."""
        there = {}
        wrong = []
        for row, turn, right in self.server.rows(
                f"SELECT id, turn, v IS NOT DISTINCT FROM row_{self.type}(id, turn)"
                f" AND tag = id % 10 FROM {self.name}", settings=BY_TABLE):
            expect(row not in there, f"{self.name}: row {row} is there twice")
            there[row] = turn
            if not right:
                wrong.append(row)
        expect(not wrong, f"{self.name}: rows that are not as written: {wrong[:10]}")
        for writer in self.writers:
            rows = {row: turn for row, turn in there.items() if row % WRITERS == writer.number}
            if behind:
                writer.fall_back(rows, behind[writer.number])
            writer.settle(rows)
        return len(there)

    def acknowledged(self):
        return sum(writer.acknowledged for writer in self.writers)

    def in_doubt(self):
        return sum(writer.doubtful for writer in self.writers)

    def valid_indexes(self):
        """The names of those that exist and can be used."""
        return [name for (name,) in self.server.rows(
            "SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid"
            " JOIN pg_class t ON t.oid = x.indrelid"
            " WHERE t.relname = %s AND indisvalid AND indisready", self.name)
                if name in self.indexes]

    def drop_invalid(self):
        """What a crash left of CREATE INDEX CONCURRENTLY and its like; and
        the indexes that are missing then."""
        for (name,) in self.server.rows(
                "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class t"
                " ON indrelid IN (t.oid, t.reltoastrelid)"
                " WHERE t.oid = %s::regclass AND NOT indisvalid", self.name):
            self.server.script(f"DROP INDEX {name};")
        for name in set(self.indexes) - set(self.valid_indexes()):
            self.create_index(name)


class Writer:
    """A client that inserts, deletes and updates rows of its own."""

    def __init__(self, world, number):
        self.world = world
        self.number = number
        self.rows = {}
        self.doubt = None
        self.next = 1
        self.acknowledged = 0
        self.doubtful = 0
        self.errors = []
        self.thread = None
        self.going = False
        # What rows becomes, while somebody wants to know.
        self.history = None

    def start(self, seed, pause):
        self.going = True
        self.errors = []
        self.thread = threading.Thread(target=self.work, args=(random.Random(seed), pause),
                                       daemon=True)
        self.thread.start()

    def stop(self):
        if self.thread:
            self.going = False
            self.thread.join(300)
            if self.thread.is_alive():
                raise Finding(f"writer {self.number} got no answer in 300 s")
            self.thread = None
        errors, self.errors = self.errors, []
        return errors

    def work(self, chance, pause):
        """Transactions, until told to stop or the server is gone."""
        waiting = threading.Event()
        try:
            with self.world.server.connect() as connection:
                while self.going:
                    self.transaction(connection, chance)
                    if pause:
                        waiting.wait(pause * chance.random())
        except psycopg.Error as error:
            # Whatever was not answered is in doubt.
            self.errors.append(str(error).strip())

    def transaction(self, connection, chance):
        """One transaction of one to three statements."""
        after = dict(self.rows)
        undone = chance.random() < 0.05
        statements = [self.statement(after, chance)
                      for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        try:
            connection.execute("BEGIN")
            for statement, values in statements:
                connection.execute(statement, values)
            if undone:
                connection.execute("ROLLBACK")
                return
            self.doubt = after
            connection.execute("COMMIT")
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                raise
            # An answer: nothing of it is there.
            self.doubt = None
            self.errors.append(f"{error.sqlstate}: {error}".strip())
            connection.execute("ROLLBACK")
            return
        # Who looks at doubt and then at the history finds it in one of them, and may
        # end the history meanwhile.
        history = self.history
        if history is not None:
            history.append(after)
        self.rows, self.doubt = after, None
        self.acknowledged += 1

    def statement(self, after, chance):
        """A statement and its values; after becomes what it leaves."""
        name = self.world.name
        kind = chance.random()
        if kind < 0.5 or len(after) < 20:
            ids = [self.next + i * WRITERS - (self.next - self.number) % WRITERS
                   for i in range(1, chance.randint(2, 20))]
            self.next = ids[-1] + 1
            after.update((i, 0) for i in ids)
            return (f"INSERT INTO {name} SELECT i, 0, i %% 10, 0, row_{self.world.type}(i, 0)"
                    " FROM unnest(%s::int[]) i", [ids])
        ids = chance.sample(sorted(after), min(chance.randint(1, 15), len(after)))
        if kind < 0.75:
            for i in ids:
                del after[i]
            return f"DELETE FROM {name} WHERE id = ANY (%s::int[])", [ids]
        if kind < 0.9:
            turn = chance.randint(1, 1000)
            after.update((i, turn) for i in ids)
            return (f"UPDATE {name} SET turn = %s, v = row_{self.world.type}(id, %s)"
                    " WHERE id = ANY (%s::int[])", [turn, turn, ids])
        return f"UPDATE {name} SET note = note + 1 WHERE id = ANY (%s::int[])", [ids]

    def fall_back(self, there, least):
        """Take the last transactions for lost, but no more than all that came
        after the first ones, if that is what there is."""
        history, self.history = self.history, None
        if there != self.doubt and there in history[least:]:
            self.rows, self.doubt = there, None

    def settle(self, there):
        """Compare with what the table has of this writer's rows."""
        if self.doubt is not None:
            self.doubtful += 1
            if there == self.doubt:
                self.rows = self.doubt
            self.doubt = None
        if there == self.rows:
            return
        lost = sorted(set(self.rows) - set(there))
        strange = sorted(set(there) - set(self.rows))
        other = sorted(i for i in set(there) & set(self.rows) if there[i] != self.rows[i])
        raise Finding(f"{self.world.name}, writer {self.number}: acknowledged but not there:"
                      f" {lost[:10]}; there but not acknowledged: {strange[:10]};"
                      f" an older or newer version: {other[:10]}")


class Beside:
    """A client that runs statements again and again, whatever becomes of
    them, until stop(): VACUUM, REINDEX, searches."""

    def __init__(self, server, statements, seed, settings=None):
        self.server = server
        self.statements = statements
        self.settings = settings or {}
        self.chance = random.Random(seed)
        self.done = 0
        self.errors = []
        self.going = True
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            with self.server.connect() as connection:
                for name, value in self.settings.items():
                    connection.execute(f"SET {name} = {value}")
                while self.going:
                    statement = self.chance.choice(self.statements)
                    try:
                        connection.execute(statement)
                        self.done += 1
                    except psycopg.Error as error:
                        if connection.closed or connection.broken:
                            raise
                        self.errors.append(f"{error.sqlstate}: {error}".strip())
        except psycopg.Error as error:
            self.errors.append(str(error).strip())

    def stop(self):
        """Returns the errors that the server answered."""
        self.going = False
        self.thread.join(300)
        if self.thread.is_alive():
            raise Finding(f"no answer in 300 s: {self.statements}")
        return self.errors
