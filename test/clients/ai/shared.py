"""What the programs share: how many rows are right, and whether an index was used."""

import os
import time

import numpy
import psycopg


def floats(vector):
    """As models give them: JSON has 0 for 0.0."""
    return list(map(float, vector))


def url(driver):
    """The server, for SQLAlchemy."""
    return ("postgresql+{}://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}"
            .format(driver, **os.environ))


def execute(statement):
    """What a statement gives, in a connection of its own."""
    with psycopg.connect(autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def prefer_indexes():
    """For the connections to come, as the tables are small."""
    execute("ALTER ROLE CURRENT_USER SET enable_seqscan = off")


class Scans:
    """Counts the scans of an index.  A session tells its own when it ends."""

    def __init__(self, index):
        self.index = index
        self.before = self.now()

    def now(self):
        (row,) = execute("SELECT idx_scan FROM pg_stat_user_indexes"
                         f" WHERE indexrelid = '{self.index}'::regclass")
        return row[0]

    def expect(self, count):
        """That there have been as many since, by sessions that have ended or soon will."""
        for _ in range(50):
            scans = self.now() - self.before
            if scans >= count:
                break
            time.sleep(0.1)
        assert scans == count, f"{scans} scans of {self.index}, not {count}"


def nearest(packages, embeddings, query, count, wanted=lambda package: True):
    """The ids of the nearest packages by cosine, all of unit length."""
    rows = [i for i, package in enumerate(packages) if wanted(package)]
    distances = -(embeddings[rows].astype("float64") @ numpy.asarray(query, "float64"))
    return [packages[rows[i]]["id"] for i in numpy.argsort(distances)[:count]]
