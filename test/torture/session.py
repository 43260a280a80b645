"""A client of its own, beside others."""

import threading
import time

import psycopg

from finding import Finding


class Session:
    """One connection, and a thread that runs statements on it."""

    def __init__(self, server):
        self.server = server
        self.connection = server.connect()
        self.pid = self.connection.info.backend_pid
        self.thread = None
        self.answers = []
        self.error = None

    def start(self, statements):
        """Run statements, which are strings or pairs of a string and values."""
        self.answers = []
        self.error = None
        self.thread = threading.Thread(target=self.work, args=(statements,), daemon=True)
        self.thread.start()
        return self

    def work(self, statements):
        try:
            for statement in statements:
                text, values = (statement, None) if isinstance(statement, str) else statement
                cursor = self.connection.execute(text, values)
                self.answers.append(cursor.fetchall() if cursor.description else None)
        except psycopg.Error as error:
            self.error = f"{error.sqlstate}: {error}".strip()

    def is_done(self):
        return not self.thread.is_alive()

    def await_block(self, timeout=60):
        """Until it has ended, or waits for a lock.  True when it waits."""
        deadline = time.monotonic() + timeout
        with self.server.connect() as other:
            while not self.is_done():
                waits = other.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0",
                                      [self.pid]).fetchone()[0]
                if waits:
                    return True
                if time.monotonic() > deadline:
                    raise Finding(f"no end in {timeout} s, and no lock that it waits for:"
                                  f" {self.doing(other)}")
                self.thread.join(0.005)
        return False

    def doing(self, other):
        return other.execute("SELECT query, wait_event_type, wait_event FROM pg_stat_activity"
                             " WHERE pid = %s", [self.pid]).fetchone()

    def end(self, timeout=120):
        """Until it has ended.  Returns the answers."""
        self.thread.join(timeout)
        if self.thread.is_alive():
            with self.server.connect() as other:
                raise Finding(f"no end in {timeout} s: {self.doing(other)}")
        return self.answers

    def close(self):
        self.connection.close()
