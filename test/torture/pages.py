"""The pages of a primary and of its standby, compared byte by byte.

Pages of our indexes have to be the same, every byte of them.  In others, what
is not in WAL is left out: hints, and space that is not used.
"""

import struct

import psycopg

from finding import Finding, expect
from server import run

PAGE = 8192
HEADER = struct.Struct("=QHHHHHHI")
OURS = ("hnsw", "ivf", "ivfflat")


class Relation:
    """A file of a database: where it is, and what its pages are."""

    def __init__(self, name, path, kind):
        self.name = name
        self.path = path
        self.kind = kind


def relations(server):
    """What a server has on disk that a standby has, too."""
    found = {}
    for (database,) in server.rows("SELECT datname FROM pg_database WHERE datallowconn"):
        for name, path, kind, method, persistence in server.rows(
                "SELECT c.oid::regclass::text, pg_relation_filepath(c.oid), relkind, amname,"
                " relpersistence FROM pg_class c LEFT JOIN pg_am a ON a.oid = relam"
                " WHERE pg_relation_filepath(c.oid) IS NOT NULL AND relpersistence <> 't'",
                database=database):
            what = (method if method in OURS or method == "btree" else
                    "heap" if kind in "rmt" else None)
            if what is None:
                continue
            if persistence == "u":
                found[path + "_init"] = Relation(f"{name} (init)", path + "_init",
                                                 what if what != "heap" else None)
                continue
            found[path] = Relation(f"{database}: {name}", path, what)
            if what == "heap":
                found[path + "_vm"] = Relation(f"{database}: {name} (vm)", path + "_vm", "vm")
    return list(found.values())


def pages(server, relation):
    """A file's pages, without empty ones at its end: WAL may not know of them."""
    path = server.data / relation.path
    found = []
    for segment in range(1000):
        part = path.with_name(path.name + f".{segment}") if segment else path
        if not part.exists():
            break
        content = part.read_bytes()
        found += [content[at:at + PAGE] for at in range(0, len(content), PAGE)]
    while found and not any(masked(relation.kind, found[-1])[24:]):
        found.pop()
    return found


def check_hole(server, relation, block, page):
    """Our pages say with pd_lower where their contents end: nothing is beyond
    it, where neither generic WAL nor its check of consistency looks."""
    if not any(page):
        return
    _, _, _, lower, upper, special, _, _ = HEADER.unpack_from(page)
    expect(24 <= lower <= upper == special == PAGE - 8,
           f"{relation.name}, block {block} of {server.folder.name}: pd_lower {lower},"
           f" pd_upper {upper}, pd_special {special}")
    expect(not any(page[lower:upper]),
           f"{relation.name}, block {block} of {server.folder.name}: contents beyond"
           f" pd_lower {lower}")


def masked(kind, page):
    """A page without what WAL does not have."""
    if not any(page) or kind in OURS:
        return page
    page = bytearray(page)
    _, _, _, lower, upper, special, _, _ = HEADER.unpack_from(page)
    page[0:12] = bytes(12)      # LSN, checksum, flags: the last are hints
    page[20:24] = bytes(4)      # pd_prune_xid
    page[lower:upper] = bytes(upper - lower)
    if kind == "btree":
        mask_btree(page, lower, special)
    elif kind == "heap":
        mask_heap(page, lower)
    return bytes(page)


def mask_btree(page, lower, special):
    """Of a leaf, which entries are known to be dead; of a deleted page, all."""
    flags, = struct.unpack_from("=H", page, special + 12)
    if flags & 4:
        page[24:special] = bytes(special - 24)
    elif flags & 1:
        for at in range(24, lower, 4):
            pointer, = struct.unpack_from("=I", page, at)
            struct.pack_into("=I", page, at, pointer & ~(3 << 15))
    # BTP_SPLIT_END, BTP_HAS_GARBAGE, and the cycle of a vacuum
    struct.pack_into("=HH", page, special + 12, flags & ~0x60, 0)


def mask_heap(page, lower):
    """What is known of the transactions of a row, its command, and padding."""
    for at in range(24, lower, 4):
        pointer, = struct.unpack_from("=I", page, at)
        offset, state, length = pointer & 0x7fff, pointer >> 15 & 3, pointer >> 17
        if state != 1:
            continue
        infomask, = struct.unpack_from("=H", page, offset + 20)
        infomask &= ~0x0c00 if infomask & 0x0300 == 0x0300 else ~0xfff0
        struct.pack_into("=H", page, offset + 20, infomask & 0xffff)
        page[offset + 8:offset + 12] = bytes(4)
        end = offset + length
        page[end:(end + 7) & ~7] = bytes(-end % 8)


def check_map(relation, here, there):
    """A standby may know less of what all can see: CREATE DATABASE logs copies
    of maps without their contents."""
    one, other = (int.from_bytes(b"".join(page[24:] for page in content), "little")
                  for content in (here, there))
    expect(other & ~one == 0, f"{relation.name}, {relation.path}: the standby has bits that"
           " its primary has not")


def shut_down(primary, standby, timeout=300):
    """Stop both, the standby when it has all that the primary wrote, and has
    written all of it to its files."""
    try:
        primary.await_replay(standby, timeout)
    except psycopg.Error as error:
        standby.check_log()
        raise Finding(f"the standby is gone: {error}\n{standby.tail()}") from None
    primary.stop("fast")
    there = checkpoint(primary)
    # The primary has ended: replay is over when the standby has its last record.
    standby.await_value("SELECT pg_last_wal_replay_lsn() > %s::pg_lsn", there,
                        timeout=timeout)
    standby.stop("fast")
    expect(checkpoint(standby) == there, f"the standby's last checkpoint is"
           f" {checkpoint(standby)}, not {there}: {standby.tail()}")


def checkpoint(server):
    """Where the last one is, of a server that is down."""
    data = run(server.bin / "pg_controldata", "-D", server.data, env={"LC_ALL": "C"})
    line, = [line for line in data.splitlines() if line.startswith("Latest checkpoint location")]
    return line.split()[-1]


def compare(primary, standby, listed):
    """Compare the files of two servers that are down; listed is what
    relations() said before.  Returns how many pages of ours there are, and
    of others."""
    ours = others = 0
    for relation in listed:
        here, there = pages(primary, relation), pages(standby, relation)
        if relation.kind == "vm":
            check_map(relation, here, there)
            continue
        expect(len(here) == len(there), f"{relation.name}, {relation.path}: {len(here)} pages,"
               f" on the standby {len(there)}")
        for block, (one, other) in enumerate(zip(here, there)):
            if relation.kind in OURS:
                check_hole(primary, relation, block, one)
                check_hole(standby, relation, block, other)
                expect(one == other, f"{relation.name}, block {block} of {relation.path} differs"
                       f" on the standby, first at byte {differ(one, other)}")
            elif one != other:
                one, other = masked(relation.kind, one), masked(relation.kind, other)
                expect(one == other, f"{relation.name}, block {block} of {relation.path} differs"
                       f" on the standby, first at byte {differ(one, other)} of what counts")
        ours += len(here) if relation.kind in OURS else 0
        others += 0 if relation.kind in OURS else len(here)
    return ours, others


def differ(one, other):
    """The first byte that is not the same."""
    return next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), None)
