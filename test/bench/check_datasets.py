"""Checks of vecbench.datasets: no network, a few seconds.

    python -m unittest check_datasets       (in this folder)
"""
import multiprocessing
import os
import pathlib
import tempfile
import time
import unittest
import unittest.mock

import h5py
import numpy as np

from vecbench import datasets
from vecbench.datasets import debian, photos, texts
from vecbench.datasets.store import StaleStore, Store

ROWS, DIM = 2000, 12


def random_rows(rows=ROWS, seed=1):
    return np.random.default_rng(seed).normal(size=(rows, DIM)).astype(np.float32)


def naive(base, queries, metric, k, mask=None):
    """The truth, the obvious way."""
    base, queries = base.astype(np.float64), queries.astype(np.float64)
    result = []
    for q in queries:
        if metric == "l2":
            distance = np.array([np.sqrt(sum((b - q) ** 2)) for b in base])
        else:
            distance = -(base @ q)
        if metric == "cosine":
            distance /= np.linalg.norm(base, axis=1) * np.linalg.norm(q)
        if mask is not None:
            distance[~mask] = np.inf
        order = [i for i in np.argsort(distance, kind="stable") if np.isfinite(distance[i])][:k]
        result.append(order + [-1] * (k - len(order)))
    return np.array(result, np.int32)


def write_vecs(path, rows, dtype):
    """.fvecs, .bvecs, .ivecs."""
    with open(path, "wb") as file:
        for row in rows:
            np.array([len(row)], "<i4").tofile(file)
            row.astype(dtype).tofile(file)


class Folder(unittest.TestCase):
    """Each test has a folder, and in it a cache."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.cache = self.folder / "cache"

    def load(self, name, **options):
        return datasets.load(self.folder / name, cache=self.cache, progress=False, **options)

    def refuses(self, name, words, **options):
        with self.assertRaisesRegex(datasets.Error, words):
            self.load(name, **options)


class Truth(unittest.TestCase):
    def test_like_naive(self):
        base, queries = random_rows(), random_rows(20, seed=2)
        mask = np.random.default_rng(3).random(ROWS) < 0.1
        for metric in ("l2", "cosine", "ip"):
            for which in (None, mask):
                with self.subTest(metric=metric, masked=which is not None):
                    found = datasets.truth(base, queries, metric, 100, mask=which)
                    self.assertEqual(found.dtype, np.int32)
                    np.testing.assert_array_equal(found, naive(base, queries, metric, 100, which))

    def test_blocks_make_no_difference(self):
        base, queries = random_rows(), random_rows(20, seed=2)
        whole = datasets.truth(base, queries, "l2", 100)
        with unittest.mock.patch("vecbench.datasets.exact.BLOCK_BYTES", 7000):
            np.testing.assert_array_equal(datasets.truth(base, queries, "l2", 100), whole)

    def test_ties_go_to_the_lower_row(self):
        base = np.tile(random_rows(10), (10, 1))
        found = datasets.truth(base, base[:1], "l2", 10)
        np.testing.assert_array_equal(found[0], np.arange(0, 100, 10))

    def test_too_few_rows(self):
        base = random_rows()
        mask = np.zeros(ROWS, bool)
        mask[[5, 9]] = True
        found = datasets.truth(base, base[9:10], "l2", 4, mask=mask)
        np.testing.assert_array_equal(found, [[9, 5, -1, -1]])
        self.assertTrue((datasets.truth(base, base[:2], "ip", 3, mask=~mask & False) == -1).all())

    def test_zero_vectors_have_no_cosine_distance(self):
        base = random_rows(200)
        base[7] = 0
        found = datasets.truth(base, base[6:8], "cosine", 200)
        self.assertNotIn(7, found)
        self.assertTrue((found[1] == -1).all())

    def test_refuses(self):
        base = random_rows(200)
        with self.assertRaises(ValueError):
            datasets.truth(base, base, "l1", 10)
        with self.assertRaises(ValueError):
            datasets.truth(base, base, "l2", 10, mask=np.ones(199, bool))


class Files(Folder):
    def setUp(self):
        super().setUp()
        self.base, self.queries = random_rows(), random_rows(30, seed=2)
        self.truth = naive(self.base, self.queries, "l2", 100)

    def write_hdf5(self, distance="euclidean", neighbors=None):
        with h5py.File(self.folder / "a.hdf5", "w") as file:
            file["train"], file["test"] = self.base, self.queries
            if neighbors is not None:
                file["neighbors"] = neighbors
            file.attrs["distance"] = distance

    def same(self, data, base, queries, truth):
        np.testing.assert_array_equal(data.base, base)
        np.testing.assert_array_equal(data.queries, queries)
        np.testing.assert_array_equal(data.truth, truth)
        self.assertEqual([a.dtype for a in (data.base, data.queries, data.truth)],
                         [np.float32, np.float32, np.int32])

    def test_hdf5(self):
        # The file's own truth is used: its order shows it.
        self.write_hdf5(neighbors=self.truth[:, ::-1])
        data = self.load("a.hdf5")
        self.same(data, self.base, self.queries, self.truth[:, ::-1])
        self.assertEqual(data.metric, "l2")
        # But not for fewer rows, nor for another metric.
        self.same(self.load("a.hdf5", size=500), self.base[:500], self.queries,
                  naive(self.base[:500], self.queries, "l2", 100))
        self.same(self.load("a.hdf5", metric="ip"), self.base, self.queries,
                  naive(self.base, self.queries, "ip", 100))

    def test_hdf5_angular(self):
        self.write_hdf5(distance="angular")
        data = self.load("a.hdf5")
        self.assertEqual(data.metric, "cosine")
        self.same(data, self.base, self.queries, naive(self.base, self.queries, "cosine", 100))

    def test_a_changed_file_is_read_again(self):
        self.write_hdf5()
        self.load("a.hdf5")
        self.base = random_rows(ROWS + 1, seed=5)
        self.write_hdf5()
        self.same(self.load("a.hdf5"), self.base, self.queries,
                  naive(self.base, self.queries, "l2", 100))

    def test_fvecs(self):
        write_vecs(self.folder / "x_base.fvecs", self.base, "<f4")
        write_vecs(self.folder / "x_query.fvecs", self.queries, "<f4")
        write_vecs(self.folder / "x_groundtruth.ivecs", self.truth[:, ::-1], "<i4")
        self.same(self.load("x_base.fvecs"), self.base, self.queries, self.truth[:, ::-1])
        self.same(self.load(""), self.base, self.queries, self.truth[:, ::-1])

    def test_bvecs_without_truth(self):
        base, queries = (np.abs(rows * 50).astype(np.uint8) for rows in (self.base, self.queries))
        write_vecs(self.folder / "base.bvecs", base, "u1")
        write_vecs(self.folder / "query.bvecs", queries, "u1")
        self.same(self.load("base.bvecs"), base, queries, naive(base, queries, "l2", 100))

    def test_npy_with_queries_named(self):
        np.save(self.folder / "rows.npy", self.base.astype(np.float64))
        np.save(self.folder / "asked.npy", self.queries)
        data = self.load("rows.npy", queries=self.folder / "asked.npy")
        self.same(data, self.base, self.queries, self.truth)

    def test_queries_are_held_out(self):
        self.base[100:1000] = self.base[0]
        np.save(self.folder / "rows.npy", self.base)
        data = self.load("rows.npy", metric="cosine")
        self.assertEqual(data.queries.shape, (200, DIM))
        known = {row.tobytes() for row in data.queries}
        self.assertFalse(any(row.tobytes() in known for row in data.base))
        self.assertLess(len(data.base), ROWS - 900)
        np.testing.assert_array_equal(
            data.truth, naive(data.base, data.queries, "cosine", 100))

    def test_bad_files(self):
        def put(name, rows):
            np.save(self.folder / name, rows)
        put("flat.npy", np.zeros(5))
        put("words.npy", np.array([["a", "b"]]))
        put("nan.npy", np.where(np.arange(ROWS)[:, None] == 700, np.nan, self.base))
        put("few.npy", self.base[:9])
        (self.folder / "junk.npy").write_bytes(b"not an array")
        (self.folder / "junk.hdf5").write_bytes(b"not HDF5")
        (self.folder / "empty.fvecs").write_bytes(b"")
        (self.folder / "folder").mkdir()
        (self.folder / "a.csv").write_text("1,2\n")
        write_vecs(self.folder / "cut.fvecs", self.base, "<f4")
        os.truncate(self.folder / "cut.fvecs", 1000)
        write_vecs(self.folder / "odd.fvecs",
                   [np.zeros(3), np.zeros(1), np.zeros(5)], "<f4")
        for name, words in (
                ("flat.npy", "not rows of numbers"), ("words.npy", "not rows of numbers"),
                ("nan.npy", "NaN or infinity"), ("few.npy", "too few"),
                ("junk.npy", "junk.npy"), ("junk.hdf5", "junk.hdf5"), ("empty.fvecs", "empty"),
                ("a.csv", "not a kind of file"), ("cut.fvecs", "not rows of 12 dimensions"),
                ("odd.fvecs", "row 1 has 1 dimensions"), ("none.npy", "no such file"),
                ("folder", "one base file is needed")):
            with self.subTest(name):
                self.refuses(name, words)

    def test_parts_that_do_not_fit(self):
        np.save(self.folder / "base.npy", self.base)
        np.save(self.folder / "query.npy", self.queries[:, :5])
        self.refuses("base.npy", "its queries have 5")
        np.save(self.folder / "query.npy", self.queries)
        np.save(self.folder / "groundtruth.npy", self.truth[:7])
        self.refuses("base.npy", "7 rows of truth")
        np.save(self.folder / "groundtruth.npy", self.truth + ROWS)
        self.refuses("base.npy", "not all among")
        self.write_hdf5(distance="hamming")
        self.refuses("a.hdf5", "hamming")

    def test_bad_questions(self):
        np.save(self.folder / "base.npy", self.base)
        self.refuses("base.npy", "metric 'l1'", metric="l1")
        self.refuses("base.npy", "is not a size", size=ROWS + 1)
        self.refuses("base.npy", "is not a size", size=0)
        with self.assertRaisesRegex(datasets.Error, "there is no set 'sift'.*sift128"):
            datasets.load("sift", cache=self.cache)


class Fake:
    """A source of 1,050 rows, of which each knows its number."""
    total = 1050
    stop_at = None
    log = None

    def make(self, start, stop, advance):
        if self.log:
            with open(self.log, "a", encoding="ascii") as file:
                file.write(f"{start}\n")
            time.sleep(0.02)
        rows = np.repeat(np.arange(start, stop, dtype=np.float32)[:, None], 4, axis=1)
        if self.stop_at is not None and start <= self.stop_at < stop:
            raise KeyboardInterrupt
        advance(stop - start)
        return {"wide": rows, "narrow": rows[:, :2]}

    def clean(self):
        self.cleaned = True


def fill(folder, log):
    """What one of two processes does at the same time."""
    Blocks.store(folder, log=log).ensure(None, progress=False)


class Blocks(Folder):
    @staticmethod
    def store(folder, **attributes):
        source = Fake()
        for name, value in attributes.items():
            setattr(source, name, value)
        store = Store(folder, {"wide": (4, np.float32), "narrow": (2, np.float32)},
                      lambda: source, 100)
        store.fake = source
        return store

    def whole(self, store, rows):
        for name, dim in (("wide", 4), ("narrow", 2)):
            np.testing.assert_array_equal(store.rows(name, 0, rows),
                                          np.repeat(np.arange(rows)[:, None], dim, axis=1))

    def test_a_smaller_set_is_the_beginning(self):
        store = self.store(self.cache)
        store.ensure(250, progress=False)
        self.assertEqual(store.state(), {"rows": 300, "total": 1050})
        self.whole(store, 300)
        store.ensure(None, progress=False)
        self.whole(store, 1050)
        self.assertTrue(store.fake.cleaned)

    def test_more_than_there_is(self):
        store = self.store(self.cache)
        store.ensure(5000, progress=False)
        self.assertEqual(store.state(), {"rows": 1050, "total": 1050})

    def test_an_interruption_loses_a_block(self):
        store = self.store(self.cache, stop_at=555)
        with self.assertRaises(KeyboardInterrupt):
            store.ensure(None, progress=False)
        self.assertEqual(store.state()["rows"], 500)
        # As if one column had been written when it happened, and not the other.
        with open(store.path("wide"), "ab") as file:
            file.write(b"x" * 1000)
        store = self.store(self.cache)
        store.ensure(None, progress=False)
        self.whole(store, 1050)

    def test_a_changed_source(self):
        self.store(self.cache).ensure(100, progress=False)
        with self.assertRaisesRegex(StaleStore, "delete it"):
            self.store(self.cache, total=2000).ensure(500, progress=False)

    def test_two_processes(self):
        log = self.folder / "log"
        context = multiprocessing.get_context("fork")
        both = [context.Process(target=fill, args=(self.cache, log)) for _ in range(2)]
        for process in both:
            process.start()
        for process in both:
            process.join()
        self.assertEqual([p.exitcode for p in both], [0, 0])
        self.whole(self.store(self.cache), 1050)
        self.assertEqual(len(log.read_text().split()), 11)      # each block once

    def test_load(self):
        rows = random_rows(1600)

        class Source(Fake):
            total = len(rows)

            def make(self, start, stop, advance):
                return {"sift128": rows[start:stop]}

        store = Store(self.cache, {"sift128": (DIM, np.float32)}, Source, 500)
        with unittest.mock.patch("vecbench.datasets.open_store", lambda *_: store), \
                unittest.mock.patch("vecbench.datasets.OTHERS", 150):
            small = datasets.load("sift128", 300, self.cache, progress=False)
            self.assertEqual(store.state()["rows"], 1500)
            whole = datasets.load("sift128", cache=self.cache, progress=False)
            with self.assertRaisesRegex(datasets.Error, "has 600 rows"):
                datasets.load("sift128", 601, self.cache, progress=False)
        np.testing.assert_array_equal(small.queries, rows[:1000])
        np.testing.assert_array_equal(whole.base, rows[1000:])
        np.testing.assert_array_equal(small.base, rows[1000:1300])
        np.testing.assert_array_equal(small.others, rows[1300:1450])
        np.testing.assert_array_equal(whole.others, rows[:1000])    # there are no more
        np.testing.assert_array_equal(
            small.truth[::50], naive(small.base, small.queries[::50], "l2", 100))


class Sources(Folder):
    def test_prose(self):
        long = "This sentence is repeated until it is far too long. " * 30
        chosen = texts.choose([("a", [
            "Short.", "A sentence of some words, long enough to be kept.",
            "a sentence of SOME words; long enough to be kept", "x = f(1, 2); y[3] += 0x7f; // !!"
            " { } ( ) [ ]", long])])
        self.assertEqual(sorted(len(text) for _, text in chosen), [49, 987])
        many = [f"This template has the same start and then number {i}." for i in range(99)]
        self.assertEqual(len(texts.choose([("a", many)])), texts.SAME_START)

    def test_descriptions(self):
        found = texts.descriptions("Package: a\nDescription-en: the summary\n One paragraph\n"
                                   " of two lines.\n .\n Another one.\n .\n"
                                   " This package contains the documentation.\n\nPackage: b\n")
        self.assertEqual(list(found), ["One paragraph of two lines.", "Another one."])

    def test_resources(self):
        blobs = [b"\xff\xd8\xff" + b"j" * 20000, b"text" * 9000, b"\x89PNG",
                 b"\x89PNG" + b"p" * 15000]
        data = b"".join(len(b).to_bytes(4, "big") + b for b in blobs)
        head = b"qres" + b"".join(n.to_bytes(4, "big") for n in (1, 20 + len(data), 20, 9 ** 8))
        self.assertEqual(list(photos.resources(head + data + b"the tree")), [blobs[0], blobs[3]])

    def test_a_program_that_fails(self):
        with self.assertRaisesRegex(debian.Error, "no such program|not there"):
            debian.run(["vecdb-no-such-program"])
        with self.assertRaisesRegex(debian.Error, "because"):
            debian.run(["sh", "-c", "echo because >&2; exit 3"])


if __name__ == "__main__":
    unittest.main()
