"""What becomes of the poses of a run: counted, shown, and the failures listed at once."""

import time
from collections.abc import Iterable
from types import TracebackType

from mardm_batch.console import ProgressDisplay
from mardm_batch.manifest import Failure, FailureList
from mardm_batch.pose import Pose, bone_length_error, lowest_joint_height
from mardm_batch.tracking import Tracker

SECONDS_BETWEEN_METRICS = 2.0


class RunRecord:
    """Counts of one run of one shard, its progress display and its metrics."""

    def __init__(self, total: int, failures: FailureList, bar: bool) -> None:
        self.failures = failures
        self.display = ProgressDisplay(total, bar)
        self.bone_error = self.lowest_joint = 0.0
        self.reported = time.monotonic()

    def __enter__(self) -> "RunRecord":
        self.display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.display.__exit__(kind, error, trace)

    def written(self, outcomes: Iterable[tuple[Pose, Failure | None]]) -> None:
        for pose, failure in outcomes:
            if failure is not None:
                self.failed(failure)
                continue
            self.bone_error += float(bone_length_error(pose.joints[None])[0])
            self.lowest_joint += float(lowest_joint_height(pose.joints[None])[0])
            self.display.advance(done=1)

    def failed(self, failure: Failure) -> None:
        self.failures.update([failure], ())
        self.display.advance(failed=1)

    def metrics(self) -> dict[str, float]:
        """Counts, speed and mean quality so far."""
        done = max(self.display.done, 1)
        return {
            "poses_done": self.display.done,
            "failures": self.display.failed,
            "poses_per_second": self.display.rate,
            "bone_length_error_cm": 100 * self.bone_error / done,
            "lowest_joint_cm": 100 * self.lowest_joint / done,
        }

    def report(self, tracker: Tracker, final: bool = False) -> None:
        """Give the tracker the metrics, at a steady interval and at the end."""
        if final or time.monotonic() - self.reported >= SECONDS_BETWEEN_METRICS:
            self.reported = time.monotonic()
            tracker.log(self.metrics())
