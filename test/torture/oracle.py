"""What has to be true after every step of every scenario.

(a) is World.settle(); the others are here.  A broken promise is a Finding.
"""

from finding import Finding, expect
from world import BY_INDEX, BY_TABLE

# How far below an index made anew a search may find, in parts of 1: half a
# point, and what 2,000 neighbours of 200 rows drawn by chance differ by.
LESS = 0.005 + 0.03


def check_indexes(world, server=None):
    """(b): vecdb_index_check() finds nothing."""
    problems = (server or world.server).rows(
        "SELECT name, block, problem FROM unnest(%s::text[]) name,"
        " vecdb_index_check(name::regclass, true) LIMIT 5", world.valid_indexes())
    expect(not problems, f"vecdb_index_check: {problems}")


CONDITIONS = "true", "tag = {tag}", "tag < 5 AND turn <> {turn}"


def rows_of(connection, source, condition):
    """How many rows there are, how many different ones, and which."""
    return connection.execute(
        "SELECT count(*), count(DISTINCT id), sum(hashint4(id)::bigint)"
        f" FROM ({source.format(condition=condition)}) x").fetchone()


def plan_of(connection, query):
    return "\n".join(row for (row,) in connection.execute("EXPLAIN (COSTS off) " + query))


def check_searches(world, seed, server=None):
    """(c): an index scan of everything finds what the table has, with a
    filter and without."""
    conditions = [text.format(tag=seed % 10, turn=seed % 7) for text in CONDITIONS]
    compare_searches(server or world.server, world, world.valid_indexes(), conditions, seed,
                     lambda name, plan: name in plan)


def compare_searches(server, world, names, conditions, seed, used):
    """The same of these indexes and conditions; used tells by a plan whether an
    index was."""
    table = f"SELECT id FROM {world.name} WHERE {{condition}}"
    with server.connect() as connection:
        for name, value in BY_TABLE.items():
            connection.execute(f"SET {name} = {value}")
        right = [rows_of(connection, table, condition) for condition in conditions]
        connection.execute("RESET ALL")
        for name, value in BY_INDEX.items():
            connection.execute(f"SET {name} = {value}")
        for name in names:
            _, operator, of = world.indexes[name]
            search = f"{table} ORDER BY {of} {operator} {world.operand(name, seed)}"
            for condition, there in zip(conditions, right):
                plan = plan_of(connection, search.format(condition=condition))
                expect(used(name, plan), f"{name}: not used: {plan}")
                found = rows_of(connection, search, condition)
                expect(found == there, f"{name}, WHERE {condition}, made({seed}): index"
                       f" {found}, table {there} (rows, different ones, their sum)")


def check_nearest(world, seed, count=400):
    """(c): where a search is of all nodes, of hnsw, the nearest come out in order."""
    for name in world.valid_indexes():
        _, operator, of = world.indexes[name]
        near = f"{of} {operator} {world.operand(name, seed)}"
        query = (f"SELECT {near} FROM {world.name} WHERE v IS NOT NULL"
                 f" ORDER BY {near} LIMIT {count}")
        found, right = [[distance for (distance,) in world.server.rows(query, settings=settings)]
                        for settings in ({**BY_INDEX, "hnsw.ef_search": 1000}, BY_TABLE)]
        expect(len(found) == len(right) and
               all(abs(a - b) <= 1e-5 * max(1, abs(b)) for a, b in zip(found, right)),
               f"{name}, made({seed}): nearest {found}, in the table {right}")


# What is as wide for an index that has changed as for one made anew: what hnsw
# would take itself was measured when it was built, of other rows; and of one list,
# ivfflat's default, so little is found that nothing can be compared.
WIDTH = {"hnsw": {"hnsw.ef_search": 40}, "ivf": {"ivfflat.probes": 30}}


def recalls(world, sample=200, settings=None):
    """What share of the nearest each index finds."""
    return {name: world.server.value("SELECT vecdb_recall(%s, %s)", name, sample,
                                     settings=settings or WIDTH[world.method])
            for name in world.valid_indexes()}


def check_recall(world, sample=200, settings=None):
    """(d): searches find as much as in indexes made anew, which they are
    then.  Returns by how much each finds more than a new one."""
    before = recalls(world, sample, settings)
    world.server.script(f"REINDEX TABLE {world.name};")
    after = recalls(world, sample, settings)
    for name, new in after.items():
        expect(before[name] >= new - LESS,
               f"{name}: recall {before[name]:.3f}, made anew {new:.3f}")
    return [before[name] - new for name, new in after.items()]


def check_heap(world, server=None):
    """(e), files: amcheck finds nothing in the table and its b-tree."""
    with (server or world.server).connect() as connection:
        problems = connection.execute(
            f"SELECT blkno, msg FROM verify_heapam('{world.name}') LIMIT 5").fetchall()
        expect(not problems, f"{world.name}: verify_heapam: {problems}")
        connection.execute(f"SELECT bt_index_check('{world.name}_pkey', true)")


def check_errors(errors, allowed):
    """Answers of the server that no client should get; allowed is the SQL
    states, or words, that are right where they came from."""
    wrong = [error for error in errors
             if not any(word in error for word in allowed)]
    if wrong:
        raise Finding(f"{len(wrong)} errors, such as: {wrong[0]}")


def check(world, seed, server=None, log=True):
    """All of it but recall.  Returns how many rows there are."""
    rows = world.settle()
    check_heap(world, server)
    check_indexes(world, server)
    check_searches(world, seed, server)
    if log:
        (server or world.server).check_log()
    return rows
