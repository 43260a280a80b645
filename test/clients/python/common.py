"""What the clients in Python share: what they load and ask, and what is right."""

import json
import os
import re
from importlib.metadata import version


def lines(name):
    with open(os.path.join(os.environ["VDB_DATA"], name)) as file:
        return [json.loads(line) for line in file]


PACKAGES = lines("packages.jsonl")
QUESTIONS = lines("questions.jsonl")


class Recall:
    """How many of the rows that are right were found, over all questions."""

    def __init__(self):
        self.found = self.asked = 0

    def add(self, got, right):
        assert len(got) == len(right), f"{len(got)} rows, not {len(right)}: {got}"
        self.found += len(set(got) & set(right))
        self.asked += len(right)

    def check(self):
        recall = self.found / self.asked
        assert recall >= 0.9, f"recall {recall}"


def check_answers(plain, filtered):
    """Ask all questions.  Both functions get a question and return ids, of the nearest
    packages and of the nearest that pass its filter."""
    recalls = Recall(), Recall()
    for q in QUESTIONS:
        recalls[0].add(plain(q), q["nearest"])
        recalls[1].add(filtered(q), q["nearest_filtered"])
    for recall in recalls:
        recall.check()


def near(a, b, most=1e-5):
    """That numbers, or sequences of them, are the same but for rounding."""
    a, b = (x if isinstance(x, (list, tuple)) else [x] for x in (a, b))
    assert len(a) == len(b), f"{len(a)} and {len(b)} numbers"
    for x, y in zip(a, b):
        assert abs(x - y) <= most * max(1, abs(x)), f"{x} and {y}"


def expect_index(plan, name):
    """That a plan, as lines of text, uses the index."""
    plan = "\n".join(line if isinstance(line, str) else line[0] for line in plan)
    assert name in plan, re.sub(r"\[[^]]{40,}\]", "[...]", plan)


def done(what, *names):
    """Say what was done, with which packages."""
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"client: {versions}: {what}")
