"""Changes without end: row 5 of the programme."""

import collections
import time
from statistics import mean

import kinds
import oracle
from finding import expect
from scenario import Scenario
from server import Server
from world import BY_INDEX, TYPES, WRITERS, Beside, World

# How many transactions a step is, and how many rows it leaves.
TRANSACTIONS = 600
ROWS = 3000


def indexes(method, of, name):
    """An index of each metric of a type, for a World; one of them of ivfflat."""
    found = {}
    for number, metric in enumerate(kinds.metrics(of)):
        am = "ivfflat" if method == "ivf" and number == 1 else method
        columns = ", tag, turn" if number % 2 == 0 else ""
        found[f"{name}_{metric}"] = (f"{am} (v {of}_{metric}_ops{columns})",
                                     kinds.OPERATORS[metric], "v")
    return found


class Churn(Scenario):
    """While eight clients change a table, and others search it and vacuum, and
    after it, every index has every row, and finds it as well as one made anew."""

    method = None

    def set_up(self):
        self.server = self.own(Server(self.folder / "a")).init()
        self.worlds = []
        for of in TYPES:
            world = World(self.server, self.method, f"items_{of}", of=of)
            world.indexes = indexes(self.method, of, world.name)
            self.worlds.append(world.create())

    def beside(self, world, chance):
        """Clients that vacuum, and search by each index."""
        near = [f"SELECT id FROM {world.name} WHERE {condition} ORDER BY v {operator}"
                f" {world.operand(name, chance.randint(0, 9999))} LIMIT 20"
                for name, (_, operator, _) in world.indexes.items()
                for condition in ("true", "tag = 3", "tag < 5 AND turn = 0")]
        return [Beside(self.server, [f"VACUUM (INDEX_CLEANUP on) {world.name}"],
                       chance.random()),
                Beside(self.server, near, chance.random(), BY_INDEX)]

    def step(self, number, chance):
        world = self.worlds[number % len(self.worlds)]
        before = world.acknowledged()
        world.write(WRITERS, chance.random())
        beside = self.beside(world, chance)
        deadline = time.monotonic() + 1200
        while world.acknowledged() < before + TRANSACTIONS:
            expect(time.monotonic() < deadline, f"{world.name}: clients get no answers")
            time.sleep(0.05)
        errors = world.stop() + [error for client in beside for error in client.stop()]
        oracle.check_errors(errors, [])
        if oracle.check(world, chance.randint(0, 100000)) > ROWS:
            world.thin(ROWS // 2)
            self.server.script(f"VACUUM {world.name};")
            oracle.check(world, chance.randint(0, 100000))
        return {"transactions": world.acknowledged() - before, "vacuums": beside[0].done,
                "searches": beside[1].done,
                "recalls": {name: round(recall, 4)
                            for name, recall in oracle.recalls(world).items()}}

    def finish(self):
        gains = []
        for world in self.worlds:
            gains += oracle.check_recall(world)
            oracle.check(world, 1)
        return {"compared with a new index": len(gains),
                "gains": [round(gain, 4) for gain in gains]}

    @classmethod
    def sum_up(cls, steps):
        """What the steps did; how many points of recall were lost from the first
        half of them to the second, and to new indexes, in the mean and at most."""
        total = super().sum_up({what: count for what, count in did.items()
                                if what not in ("recalls", "gains")} for did in steps)
        courses = collections.defaultdict(list)
        for did in steps:
            for name, recall in did.get("recalls", {}).items():
                courses[name].append(recall)
        lost = [mean(course[:len(course) // 2]) - mean(course[len(course) // 2:])
                for course in courses.values() if len(course) > 1]
        behind = [-gain for did in steps for gain in did.get("gains", [])]
        for what, values in ("lost", lost), ("behind new indexes", behind):
            if values:
                total[f"points of recall {what}"] = round(100 * mean(values), 2)
                total[f"points {what} at most"] = round(100 * max(values), 2)
        return total


class ChurnHnsw(Churn):
    """Changes without end, with hnsw."""

    name = "churn-hnsw"
    method = "hnsw"
    small = 5


class ChurnIvf(Churn):
    """Changes without end, with ivf."""

    name = "churn-ivf"
    method = "ivf"
    small = 5
