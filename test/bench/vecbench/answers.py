"""What a slice of searching gave."""
import dataclasses

import numpy as np


@dataclasses.dataclass
class Answers:
    """queries: their numbers; ids: a row of row numbers for each, -1 where
    fewer came back; seconds: how long the slice took; nanoseconds: of each
    query, or None when they were asked together; own: nanoseconds of the
    slice that were spent in the harness itself."""
    queries: np.ndarray
    ids: np.ndarray
    seconds: float
    nanoseconds: np.ndarray | None
    own: int

    @property
    def qps(self):
        return len(self.queries) / self.seconds

    @staticmethod
    def together(parts):
        """Slices of clients that searched at the same time, as one."""
        times = [p.nanoseconds for p in parts]
        count = sum(len(p.queries) for p in parts)
        return Answers(np.concatenate([p.queries for p in parts]),
                       np.concatenate([p.ids for p in parts]),
                       count / sum(p.qps for p in parts),
                       None if times[0] is None else np.concatenate(times),
                       sum(p.own for p in parts))
