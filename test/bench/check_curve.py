"""Checks of vecbench/curve.py against cases worked out by hand."""
import math
import unittest

import numpy as np

from vecbench import curve


class Recall(unittest.TestCase):
    base = np.array([[0, 0], [1, 0], [2, 0], [0, 2], [9, 9]], np.float32)
    query = np.zeros(2, np.float32)
    truth = np.array([0, 1, 2, 3, 4])

    def recall(self, ids, k, truth=truth):
        return curve.recall(self.base, self.query, np.array(ids), truth, "l2", k)

    def test_counts(self):
        self.assertEqual(self.recall([0, 1], 2), 1)
        self.assertEqual(self.recall([0, 4], 2), 0.5)

    def test_ties_are_as_good(self):
        self.assertEqual(self.recall([0, 1, 3], 3), 1)

    def test_twice_is_once(self):
        self.assertEqual(self.recall([0, 0], 2), 0.5)

    def test_missing_rows_are_missed(self):
        self.assertEqual(self.recall([0, -1], 2), 0.5)
        self.assertEqual(self.recall([-1, -1], 2), 0)

    def test_fewer_rows_than_asked(self):
        self.assertEqual(self.recall([0, 1, -1], 3, truth=np.array([0, 1])), 1)

    def test_metrics(self):
        query = np.array([1, 1], np.float32)
        rows = np.array([1, 4])
        np.testing.assert_allclose(curve.distances(self.base, query, rows, "ip"), [-1, -18])
        np.testing.assert_allclose(curve.distances(self.base, query, rows, "cosine"),
                                   [1 - 1 / math.sqrt(2), 0], atol=1e-12)


class Rates(unittest.TestCase):
    points = [(0.8, 1000.0), (0.9, 500.0), (0.99, 100.0)]

    def test_on_a_point(self):
        qps, mark = curve.qps_at(self.points, 0.9)
        self.assertAlmostEqual(qps, 500)
        self.assertEqual(mark, "=")

    def test_between(self):
        # log(1 - recall) of 0.968377 is half-way between those of 0.9 and 0.99.
        qps, mark = curve.qps_at(self.points, 1 - math.sqrt(0.1 * 0.01))
        self.assertAlmostEqual(qps, math.sqrt(500 * 100), places=3)
        self.assertEqual(mark, "=")

    def test_beyond(self):
        self.assertEqual(curve.qps_at(self.points, 0.7), (1000, ">"))
        self.assertEqual(curve.qps_at(self.points, 0.995), (None, "<"))

    def test_slow_points_of_low_recall_do_not_count(self):
        self.assertEqual(curve.qps_at([(0.8, 50.0), (0.96, 100.0)], 0.95), (100, ">"))

    def test_ratio_is_by_rounds(self):
        self.assertEqual(curve.ratio([10, 40, 30], [10, 20, 10]), (2, 1, 3))

    def test_exponent(self):
        self.assertAlmostEqual(curve.exponent([10, 100, 1000], [3, 3e2, 3e4]), 2)


if __name__ == "__main__":
    unittest.main()
