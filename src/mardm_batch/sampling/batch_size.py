"""How many poses are sampled at once: found by the first batches of a job, of which none is wasted."""

from typing import Final

WORTH_IT: Final = 1.05
"""Twice the batch must give so many times the poses a second."""


class BatchSize:
    """Starts with `first` and doubles up to `largest` while poses come so much faster; equal ones: it is fixed."""

    def __init__(self, first: int, largest: int) -> None:
        self.now = first
        self._largest = largest
        self._best_rate = 0.0

    def sampled(self, poses: int, seconds: float) -> None:
        """A batch of so many poses took so long."""
        if poses < self.now or self.now == self._largest:
            return  # not a whole batch, or nothing left to find out
        rate = poses / seconds
        if rate < WORTH_IT * self._best_rate:
            self._largest = self.now = max(self.now // 2, 1)
        else:
            self._best_rate, self.now = rate, min(2 * self.now, self._largest)

    def limit(self, poses: int) -> None:
        """More poses than these do not fit."""
        self._largest = self.now = poses
