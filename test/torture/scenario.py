"""What a scenario is.

A module of scenarios/ has one class, Scenario or a heir of it, for each
scenario.  Everything that is left to chance is drawn from what step() is
given, so that a seed and a number tell a step.
"""

import collections
import shutil


class Scenario:
    """One row of the programme; its first line of documentation says what it
    proves.

    name     what it is called
    small    how many steps `make test` takes
    versions which PostgreSQL it can run on, None: all
    needs    variables of the environment without which it is only run by name
    """

    name = None
    small = 1
    versions = None
    needs = ()

    def __init__(self, folder, chance):
        self.folder = folder
        self.chance = chance
        self.servers = []

    def set_up(self):
        """Before the first step, also when earlier steps were taken in
        another run."""

    def step(self, number, chance):
        """Take a step.  Returns what it did, names and counts, which are
        added up; raises Finding when a promise is broken."""
        raise NotImplementedError

    def finish(self):
        """After the last step; returns and raises as step() does."""
        return {}

    @staticmethod
    def sum_up(steps):
        """Of what steps have returned, names and counts of all of them."""
        total = collections.Counter()
        for did in steps:
            total.update(did)
        return total

    def tear_down(self):
        """In any case: nothing is left running."""
        for server in self.servers:
            server.stop("immediate")

    # ---- what scenarios share ----

    def own(self, server):
        """Remember a server, to be stopped at the end."""
        self.servers.append(server)
        return server

    def discard(self, server):
        """Stop a server and remove its files."""
        server.stop("immediate")
        self.servers.remove(server)
        shutil.rmtree(server.folder, ignore_errors=True)
