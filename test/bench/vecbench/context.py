"""What a measure works with."""
import dataclasses

import numpy as np

from . import curve, datasets


@dataclasses.dataclass
class Context:
    """subjects: of all peers, built, by name; k: rows asked for; seconds: of
    a slice; rounds: how often everything is done, in turn; clients: the many;
    pgbench: the program; points: by name, the parameter that search chose for
    the other measures."""
    data: datasets.Dataset
    subjects: dict
    server: object
    k: int
    seconds: float
    rounds: int
    clients: int
    pgbench: str
    ranks: object
    points: dict = dataclasses.field(default_factory=dict)
    progress: object = None

    def recall(self, answers, truth=None):
        """The recall of each query of answers (arrays queries, ids)."""
        truth = self.data.truth if truth is None else truth
        # Where a filter matches fewer rows, -1 fills up the truth.
        return np.array([curve.recall(self.data.base, self.data.queries[q], ids,
                                      truth[q][truth[q] >= 0], self.data.metric, self.k)
                         for q, ids in zip(answers.queries, answers.ids)])

    def answers(self, subject, param, queries):
        """Of so many queries."""
        return subject.search(param, self.k, 0, 10, limit=queries)

    def mean_recall(self, subject, param, kept=None, queries=200):
        """The recall over so many queries; kept tells which rows are still there."""
        return self.recall_of(self.answers(subject, param, queries), kept)

    def recall_of(self, answers, kept=None):
        """The mean over all of them."""
        truth = self.data.truth
        if kept is not None:
            truth = datasets.truth(self.data.base, self.data.queries[answers.queries],
                                   self.data.metric, self.k, mask=kept)
            truth = dict(zip(answers.queries, truth))
        return float(self.recall(answers, truth).mean())

    def restart(self, **settings):
        """What Server.restart() does, once nobody is connected."""
        for subject in self.subjects.values():
            if subject.peer.is_sql:
                subject.disconnect()
        return self.server.restart(**settings)
