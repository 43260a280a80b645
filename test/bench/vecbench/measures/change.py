"""Change: inserts one by one and together, UPDATE of another column, deleting
a fifth and VACUUM, and the recall after it.

The rows inserted are real, of the same kind, and not in the data; half of them come one
by one.  The first change of each page after a checkpoint has all of it in the WAL: so
what the second half of the single inserts writes is told apart, which is what every one
writes when checkpoints are minutes apart.
"""
import numpy as np

UPDATED = 2000
MODULUS = 5


def measure(context):
    result = {}
    for name, subject in context.progress(context.subjects.items(), "changing"):
        result[name] = of_server(context, subject) if subject.peer.is_sql else of_library(context, subject)
    return result


def of_library(context, subject):
    """Libraries are only inserted into: what the others are compared with."""
    rows = context.data.others
    half = len(rows) // 2
    single = subject.call("insert_one_by_one", rows[:half])
    batch = subject.call("insert", rows[half:])
    return {"insert_single_per_s": half / single, "insert_batch_per_s": (len(rows) - half) / batch}


def of_server(context, subject):
    count, rows = len(context.data.base), context.data.others
    half = len(rows) // 2
    param = context.points[subject.name]
    result = {"recall_before": context.mean_recall(subject, param),
              "bytes_before": subject.call("size")}

    single = subject.call("insert_one_by_one", rows[:half // 2], count)
    later = subject.call("insert_one_by_one", rows[half // 2:half], count + half // 2, False)
    batch = subject.call("insert", rows[half:], count + half)
    result |= {"insert_single_per_s": half / (single["seconds"] + later["seconds"]),
               "insert_single_wal": (single["wal_bytes"] + later["wal_bytes"]) / half,
               "insert_later_wal": later["wal_bytes"] / (half - half // 2),
               "insert_batch_per_s": (len(rows) - half) / batch["seconds"],
               "insert_batch_wal": batch["wal_bytes"] / (len(rows) - half)}

    updated = min(UPDATED, count)
    update = subject.call("update", updated)
    result |= {"update_per_s": updated / update["seconds"],
               "update_wal": update["wal_bytes"] / updated}

    subject.call("delete", count, MODULUS)
    vacuum = subject.call("vacuum")
    kept = np.arange(count) % MODULUS != 0
    return result | {"vacuum_seconds": vacuum["seconds"], "vacuum_wal_bytes": vacuum["wal_bytes"],
                     "recall_after": context.mean_recall(subject, param, kept),
                     "bytes_after": subject.call("size")}

