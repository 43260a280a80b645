"""Scarce memory: the server has half as much for files and shared buffers together
as the peer's index is large."""
from ..server import ScarceMemory

QUERIES = 400
SECONDS = 30


def measure(context):
    result = {}
    try:
        for name, subject in context.progress(context.subjects.items(), "scarce memory"):
            if subject.peer.is_sql and subject.peer.method:
                result[name] = of_server(context, subject)
    finally:
        context.restart()
    return result


def of_server(context, subject):
    param, k = context.points[subject.name], context.k
    index = subject.call("size")
    given = index // 2
    # By the usual advice, a quarter of it for the buffers.
    dropped = context.restart(shared_buffers=f"{given // 4 // 1024}kB")
    try:
        scarce = ScarceMemory(context.server.processes())
    except OSError as error:
        return {"failed": str(error)}
    try:
        subject.search(param, k, 0, SECONDS, limit=1)
        scarce.limit(given)
        # What there is room for has to get there.
        subject.search(param, k, 1, SECONDS, limit=QUERIES)
        answers = subject.search(param, k, 1 + QUERIES, SECONDS, limit=QUERIES)
    finally:
        scarce.close()
    return {"bytes": index, "given": given, "caches_dropped": dropped,
            "qps": answers.qps,
            "recall": float(context.recall(answers).mean())}
