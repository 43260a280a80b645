"""Drift: an index made over one half of the rows; then the other half, of other topics,
is inserted, the first deleted and the table vacuumed.  What a search finds then, and
how long it takes, beside an index made over the same rows."""
import numpy as np

from .filters import Ranks

QUERIES = 1000


def measure(context):
    first = (context.ranks or Ranks(context.data.base)).near < len(context.data.base) // 2
    return {name: of_server(context, subject, np.flatnonzero(first), np.flatnonzero(~first))
            for name, subject in context.progress(context.subjects.items(), "drifting")
            if subject.peer.is_sql and subject.peer.method}


def of_server(context, subject, first, second):
    param = context.points[subject.name]
    kept = np.zeros(len(context.data.base), bool)
    kept[second] = True

    def state():
        subject.call("checkpoint")      # what is still to be written is not the search's
        context.answers(subject, param, QUERIES)                        # into memory
        answers = context.answers(subject, param, QUERIES)
        return {"recall": context.recall_of(answers, kept), "ms": 1e3 / answers.qps,
                "bytes": subject.call("size")}

    subject.call("remove", second)
    subject.call("vacuum")
    subject.call("reindex")
    inserted = subject.call("put_back", second)
    subject.call("remove", first)
    vacuum = subject.call("vacuum")
    after = state()
    subject.call("reindex")
    new = state()
    subject.call("put_back", first)
    subject.call("reindex")
    return {"insert_per_s": len(second) / inserted["seconds"], "vacuum_seconds": vacuum["seconds"],
            "after": after, "new": new}
