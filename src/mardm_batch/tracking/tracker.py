"""What a run tells a tracker, and trackers that do nothing, never fail, or open in the background."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mardm_batch.config.schema import Settings, one_of, setting, whole
from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import SIGNAL_CODES, first_line
from mardm_batch.tracking.identity import command_settings, group_choices

log = logging.getLogger(__name__)

SECONDS_TO_FINISH = 60
"""How long a run waits for the last upload; what is not uploaded by then is on disk."""
SECONDS_TO_FINISH_INTERRUPTED = 10
"""The same of a run that a signal ended: whoever sent it kills the run soon."""


class Tracker(Protocol):
    """Where the metrics and sample pictures of a run go."""

    def log(self, metrics: Mapping[str, float]) -> None:
        """The metrics at this moment of the run."""

    def finish(self, summary: RunSummary) -> None:
        """The end of the run."""


@dataclass(frozen=True)
class TrackedRun:
    """The run that a tracker is opened for.

    `folder` is the run's own, `settings` all of its settings, `shard` its name among the shards of `sweep` (None for a
    run on its own), `job_type` generate or train. `step_metric` counts the work, and is the axis of the curves.
    """

    folder: Path
    settings: Mapping[str, Any]
    shard: str
    sweep: str | None
    job_type: str = "generate"
    step_metric: str = "poses_done"
    run_id: str | None = None
    """Of a run that is continued whenever it is started again; None for a new one."""
    overrides: Sequence[str] = field(default_factory=command_settings)
    """The settings of the command line."""
    choices: Mapping[str, str] = field(default_factory=group_choices)
    """The chosen file of each config group."""

    @property
    def label(self) -> str:
        """A name where no setting gives one: the folder of the results."""
        output = self.settings.get("paths", {}).get("output") or self.folder
        return Path(str(output)).name or self.job_type


@dataclass
class TrackingSettings(Settings, ABC):
    """Settings that open a tracker."""

    SECTION: ClassVar[str] = "tracking"

    mode: str = setting(
        "auto: online where an API key is configured, else offline",
        one_of("auto", "online", "offline", "disabled"),
    )

    def open(self, run: TrackedRun) -> Tracker:
        """A tracker for a run; it never raises."""
        return NullTracker() if self.mode == "disabled" else self.start(run)

    @abstractmethod
    def start(self, run: TrackedRun) -> Tracker:
        """A tracker where `mode` is not disabled."""


@dataclass
class PoseTrackingSettings(TrackingSettings, ABC):
    """Settings that open a tracker for a run that makes poses."""

    samples: int = setting("sample pictures a run", whole(0, 100))


class NullTracker:
    """Tracks nothing."""

    def log(self, metrics: Mapping[str, float]) -> None:
        pass

    def finish(self, summary: RunSummary) -> None:
        pass


class SafeTracker:
    """A tracker whose failure is a warning, said once, after which nothing is tracked, and whose end cannot hang."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def log(self, metrics: Mapping[str, float]) -> None:
        self.attempt(lambda: self.tracker.log(metrics))

    def finish(self, summary: RunSummary) -> None:
        ending = threading.Thread(target=self.attempt, args=(lambda: self.tracker.finish(summary),), daemon=True)
        ending.start()
        ending.join(seconds_to_finish(summary))
        if ending.is_alive():
            log.warning("Weights & Biases takes too long to upload; `wandb sync` can do it later")

    def attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            log.warning("tracking stopped: %s: %s", type(error).__name__, first_line(error))
            self.tracker = NullTracker()


class DeferredTracker:
    """A tracker that is opened, which takes seconds, while the work goes on; what is logged meanwhile waits."""

    def __init__(self, open_it: Callable[[], Tracker]) -> None:
        self.tracker: Tracker | None = None
        self.waiting: list[Mapping[str, float]] = []
        self.passing_on = threading.Lock()
        self.opening = threading.Thread(target=self.open_with, args=(open_it,), daemon=True)
        self.opening.start()

    def open_with(self, open_it: Callable[[], Tracker]) -> None:
        tracker = open_it()
        with self.passing_on:
            self.tracker = tracker
            for metrics in self.waiting:
                tracker.log(metrics)

    def log(self, metrics: Mapping[str, float]) -> None:
        with self.passing_on:
            if self.tracker is None:
                self.waiting.append(metrics)
            else:
                self.tracker.log(metrics)

    def finish(self, summary: RunSummary) -> None:
        self.opening.join(seconds_to_finish(summary))
        if self.tracker is not None:
            self.tracker.finish(summary)


def seconds_to_finish(summary: RunSummary) -> float:
    """How long the end of a run may take."""
    return SECONDS_TO_FINISH_INTERRUPTED if summary.exit_code in SIGNAL_CODES else SECONDS_TO_FINISH
