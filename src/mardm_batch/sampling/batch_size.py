"""The batch size that pays, found with the first batches of a run: none of them is wasted."""

from typing import Final

LEAST_GAIN: Final = 1.05
"""Factor by which twice the batch must raise the poses per second."""


class BatchSize:
    """Starts with `first` and doubles up to `largest` while the rate grows; fixed where both are equal."""

    def __init__(self, first: int, largest: int) -> None:
        self.current = first
        self._largest = largest
        self._best_rate = 0.0

    def record(self, poses: int, seconds: float) -> None:
        """Take the rate of a batch into account."""
        if poses < self.current or self.current == self._largest:
            return  # the rest of a list, or nothing left to try
        rate = poses / seconds
        if rate < LEAST_GAIN * self._best_rate:
            self._largest = self.current = max(self.current // 2, 1)
        else:
            self._best_rate, self.current = rate, min(2 * self.current, self._largest)

    def limit(self, poses: int) -> None:
        """Use at most this many poses from now on: more do not fit into memory."""
        self._largest = self.current = poses
