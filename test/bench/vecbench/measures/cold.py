"""Cold start: the server restarted, the files out of the page cache, and the
first search; of a library, reading its index from a file likewise."""

QUERIES = 20


def measure(context):
    result = {}
    for name, subject in context.progress(context.subjects.items(), "starting cold"):
        dropped = None
        if subject.peer.is_sql:
            dropped = context.restart()
        cold = subject.call("cold", context.points[name], context.k, QUERIES)
        result[name] = ({"caches_dropped": dropped} if dropped is not None else {}) | cold
    return result
