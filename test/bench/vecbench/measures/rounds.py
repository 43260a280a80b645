"""Rounds of change: a fifth of the rows deleted, VACUUM, the same rows inserted
again; then recall and size beside those of a new index over the same rows."""
import time

import numpy as np

ROUNDS = 10
MODULUS = 5


def measure(context):
    return {name: of_server(context, subject)
            for name, subject in context.progress(context.subjects.items(), "rounds of change")
            if subject.peer.is_sql and subject.peer.method}


def of_server(context, subject):
    count, param = len(context.data.base), context.points[subject.name]

    def state():
        return {"recall": context.mean_recall(subject, param, queries=len(context.data.queries)),
                "bytes": subject.call("size")}

    before = state()
    start = time.perf_counter()
    for i in range(ROUNDS):
        subject.call("delete", count, MODULUS, i % MODULUS)
        subject.call("vacuum")
        subject.call("put_back", np.arange(i % MODULUS, count, MODULUS))
    seconds = time.perf_counter() - start
    after = state()
    subject.call("reindex")
    return {"seconds": seconds, "before": before, "after": after, "new": state()}
