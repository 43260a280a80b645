"""What a session does to a world, one writer's rows: row 4 of the programme, and
whatever else has to know what comes next.
"""

from finding import expect
from session import Session
from world import BY_INDEX, BY_TABLE

# Rows that come into one list, of which it has to be split.
MANY = 250

# A row whose vector is made(seed), whatever its id: see row_vector().
PERIOD = 20000
INVERSE = pow(7919, -1, PERIOD)


class Work:
    """What a session does: its statements, and what becomes of the rows of
    the writer it is when they have ended well."""

    def __init__(self, world, writer, chance):
        self.world = world
        self.writer = world.writers[writer]
        self.chance = chance
        self.after = dict(self.writer.rows)
        self.statements = []
        self.builds = False

    def fresh(self, count):
        ids = [self.writer.next + 8 * i - (self.writer.next - self.writer.number) % 8
               for i in range(1, count + 1)]
        self.writer.next = ids[-1] + 1
        return ids

    def put(self, rows):
        """Rows, by id the turn, one after the other or all at once."""
        for some in ([[row] for row in rows.items()] if self.chance.random() < 0.5
                     else [list(rows.items())]):
            self.statements.append(
                (f"INSERT INTO {self.world.name} SELECT i, t, i %% 10, 0, row_vector(i, t)"
                 " FROM unnest(%s::int[], %s::int[]) x(i, t)",
                 [[i for i, _ in some], [t for _, t in some]]))
        self.after.update(rows)
        return self

    def insert(self):
        return self.put({i: 0 for i in self.fresh(self.chance.randint(3, 15))})

    def insert_near(self, count=MANY):
        """Rows that are all near each other."""
        seed = self.chance.randint(1, PERIOD // 50 - 20) * 50
        return self.put({i: (seed + n % 50 - i) % PERIOD * INVERSE % PERIOD
                         for n, i in enumerate(self.fresh(count))})

    def some(self, share):
        """About that part of the rows."""
        return [row for row in sorted(self.after) if self.chance.random() < share]

    def delete(self, gone):
        for row in gone:
            del self.after[row]
        self.statements.append(
            (f"DELETE FROM {self.world.name} WHERE id = ANY (%s::int[])", [gone]))
        return self

    def update(self):
        some = self.chance.sample(sorted(self.after), min(10, len(self.after)))
        turn = self.chance.randint(1, 1000)
        self.after.update((i, turn) for i in some)
        self.statements.append((f"UPDATE {self.world.name} SET turn = %s,"
                                " v = row_vector(id, %s) WHERE id = ANY (%s::int[])",
                                [turn, turn, some]))
        return self

    def vacuum(self):
        self.statements.append(f"VACUUM {self.world.name}")
        return self

    def reuse(self):
        """The slots that vacuum frees serve again."""
        return self.vacuum().insert()

    def split(self):
        return self.insert_near().vacuum()

    def merge(self):
        return self.vacuum().vacuum()

    def build(self):
        index = self.chance.choice(list(self.world.indexes))
        self.statements.append(f"REINDEX INDEX CONCURRENTLY {index}")
        self.builds = True
        return self

    def build_locked(self):
        index = self.chance.choice(list(self.world.indexes))
        self.statements.append(f"REINDEX INDEX {index}")
        return self

    def check(self):
        for index in self.world.indexes:
            self.statements.append(("SELECT block, problem FROM vecdb_index_check(%s, false)",
                                    [index]))
        return self

    def scan(self, condition=None, seed=None):
        """All rows, by each index and by the table, of one snapshot."""
        condition = condition or self.chance.choice(["true", "tag = 3", "tag < 5 AND turn <> 1"])
        seed = seed or self.chance.choice([1, self.chance.randint(1, PERIOD)])
        self.statements.append("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for settings in BY_TABLE, BY_INDEX:
            self.statements += [f"SET LOCAL {name} = {value}" for name, value in settings.items()]
            if settings is BY_INDEX:
                self.statements.append("SET LOCAL enable_indexscan = on")
            for _, operator, of in self.world.indexes.values():
                kind = "halfvec" if "half" in of else "vector"
                self.statements.append(
                    f"SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint) FROM"
                    f" (SELECT id FROM {self.world.name} WHERE {condition}"
                    f" ORDER BY {of} {operator} made({seed})::{kind}) x")
        self.statements.append("COMMIT")
        return self

    def settle(self, answers):
        """What the answers have to say; the rows are what they are now."""
        self.writer.rows = self.after
        found = [answer for answer in answers if answer]
        if self.statements[0] == "BEGIN ISOLATION LEVEL REPEATABLE READ":
            right, by_index = found[:len(found) // 2], found[len(found) // 2:]
            for name, one, other in zip(self.world.indexes, right, by_index):
                expect(one == other, f"{name}: in a search of everything {other}, in the table"
                       f" {one} (rows, different ones, their sum): {self.statements[-2]}")
        else:
            expect(not found, f"vecdb_index_check beside: {found[:3]}")

    def run(self):
        """All of it, by a session of its own."""
        session = Session(self.world.server)
        session.start(self.statements).end()
        session.close()
        expect(session.error is None, session.error)
        self.settle(session.answers)
