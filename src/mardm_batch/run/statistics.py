"""What becomes of the poses of a run: counted, measured, shown, and kept for other commands to read.

In Hydra's run folder: `metrics.jsonl`, the numbers at a steady interval, and `summary.json`, the whole run in the end.
In the output folder: the progress record of the shard, and the failures at once.
"""

import itertools
import json
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, Outcome, Pose
from mardm_batch.errors import MardmBatchError
from mardm_batch.pose.conditions import bundled_conditions
from mardm_batch.pose.geometry import Joints, bone_length_error, diversity, lowest_joint_height
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import DiskFullError, write_atomically
from mardm_batch.system.terminal import ProgressDisplay
from mardm_batch.tracking.tracker import NullTracker, Tracker

log = logging.getLogger(__name__)

SECONDS_BETWEEN_RECORDS = 1.0
RECORDS_BETWEEN_METRICS = 2
NEWEST_SHOWN = 5
WORDS_SHOWN = 20
POSES_COMPARED = 300
"""Of how many poses the diversity is taken: each is compared with every other."""


class RunStatistics:
    """The book of one run of one shard. While it is open, a thread writes progress and metrics at a steady interval."""

    def __init__(
        self,
        progress: Progress,
        todo: Sequence[Prompt],
        output: Path,
        settings: Mapping[str, Any],
        failures: FailureList,
        bar: bool,
    ) -> None:
        self.todo = todo
        self.pending_names = {prompt.name for prompt in todo}
        """Names of the poses that this run is to make and has not made yet."""
        self.progress, self.output, self.settings, self.failures = progress, output, settings, failures
        self.run_folder = Path(progress.run_folder)
        self.display = ProgressDisplay(progress.total - progress.finished_before, bar)
        self.tracker: Tracker = NullTracker()
        self.stage_seconds: defaultdict[str, float] = defaultdict(float)
        self.errors: Counter[str] = Counter()
        self.unknown_words: Counter[str] = Counter()
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.measured: defaultdict[str, float] = defaultdict(float)
        self.compared: list[Joints] = []
        self.samples: list[dict[str, Any]] = []
        self.numbers = threading.Lock()
        """Held while the numbers below change or are read: two threads do."""
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.keep, daemon=True)

    def __enter__(self) -> "RunStatistics":
        self.thread.start()
        self.display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.display.__exit__(kind, error, trace)
        self.closing.set()
        self.thread.join()
        if isinstance(error, Exception) and not isinstance(error, DiskFullError):
            self.progress.state = "refused" if isinstance(error, MardmBatchError) else "crashed"
            self.write_progress()

    def keep(self) -> None:
        """The thread: write the progress, and every other time the metrics, until the run ends."""
        for count in itertools.count():
            self.write_progress()
            if self.closing.wait(SECONDS_BETWEEN_RECORDS):
                return
            if count % RECORDS_BETWEEN_METRICS == 0:
                self.write_metrics()

    def unknown(self, words: Counter[str]) -> None:
        """Words that the model does not know: their captions get its best pose all the same."""
        self.unknown_words = words
        if words:
            most = [word for word, _ in words.most_common(WORDS_SHOWN)]
            more = f" and {len(words) - len(most)} more" if len(words) > len(most) else ""
            log.warning("the model does not know these words and does its best without: %s%s", ", ".join(most), more)

    def sampled(self, seconds: float, device: str, device_memory_mb: float) -> None:
        """A batch left the sampler."""
        if "sample" not in self.stage_seconds:
            self.display.first_batch(seconds)
        add(self.stage_seconds, {"sample": seconds}, self.numbers)
        self.progress.state, self.progress.device = "running", device
        self.progress.device_memory_mb = device_memory_mb

    def written(self, outcomes: Iterable[Outcome]) -> None:
        """Poses left the writers; one that they tell of twice counts once."""
        for each in outcomes:
            if each.pose.prompt.name not in self.pending_names:
                continue
            add(self.stage_seconds, each.seconds, self.numbers)
            if each.failure is not None:
                self.failed(each.failure)
                continue
            measures = measures_of(each.pose)
            add(self.measured, dict.fromkeys(measures, 1), self.numbers)
            add(self.sums, measures, self.numbers)
            if len(self.compared) < POSES_COMPARED:
                self.compared.append(each.pose.joints)
            if len(self.samples) < self.settings["tracking"]["samples"]:
                prompt = each.pose.prompt
                self.samples.append({"name": prompt.name, "caption": prompt.caption, "measures": measures})
            self.pending_names.discard(each.pose.prompt.name)
            self.progress.newest = [*self.progress.newest, each.pose.prompt.name][-NEWEST_SHOWN:]
            self.display.advance(done=1)

    def failed(self, failure: Failure) -> None:
        """A pose could not be made."""
        self.failures.append([failure])
        self.errors[f"{failure.stage}: {failure.error}"] += 1
        self.progress.last_failure = f"{failure.name} ({failure.stage}): {failure.error}"
        self.display.advance(failed=1)

    def write_progress(self) -> None:
        display, progress = self.display, self.progress
        progress.done, progress.failed, progress.poses_per_second = display.done, display.failed, display.rate
        progress.seconds_left = display.seconds_left if display.done else None
        with suppress(OSError):  # a full disk ends the run in the main thread
            progress.write(self.output)

    def metrics(self) -> dict[str, float]:
        """The numbers so far; measures are means over the poses that were written."""
        display = self.display
        with self.numbers:
            stages, sums, measured = dict(self.stage_seconds), dict(self.sums), dict(self.measured)
        return {
            "poses_done": display.done,
            "failures": display.failed,
            "poses_per_second": display.rate,
            "seconds": time.time() - self.progress.started,
            "device_memory_mb": self.progress.device_memory_mb,
            **{f"seconds/{stage}": seconds for stage, seconds in stages.items()},
            **{measure: total / measured[measure] for measure, total in sums.items()},
        }

    def write_metrics(self) -> None:
        metrics = self.metrics()
        if self.display.done:
            metrics["seconds_left"] = self.display.seconds_left
        with suppress(OSError), (self.run_folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        self.tracker.log(metrics)

    def finish(self, exit_code: int) -> dict[str, Any]:
        """The last progress record, the last metrics, and the summary of the run, for the tracker to end with."""
        state = {0: "finished", 1: "incomplete"}.get(exit_code, "interrupted")
        self.progress.state, self.progress.exit_code = state, exit_code
        self.write_progress()
        self.write_metrics()
        summary = {
            "shard": self.progress.shard,
            "sweep": self.progress.sweep,
            "state": state,
            "exit_code": exit_code,
            "output": str(self.output.resolve()),
            "settings": self.settings,
            "metrics": {**self.metrics(), "diversity_cm": 100 * diversity(np.array(self.compared))},
            "errors": dict(self.errors),
            "unknown_words": dict(self.unknown_words),
            "samples": self.samples,
        }
        with suppress(OSError):
            write_atomically(
                self.run_folder / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1).encode()
            )
        return summary


def measures_of(pose: Pose) -> dict[str, float]:
    """What is measured of one pose: lengths in centimetres, and the share of its caption's conditions that are met."""
    joints = pose.joints[None]
    measures = {
        "bone_length_error_cm": 100 * float(bone_length_error(joints)[0]),
        "lowest_joint_cm": 100 * float(lowest_joint_height(joints)[0]),
        "frame_change_cm": 100 * pose.frame_change,
    }
    conditions = bundled_conditions().get(pose.prompt.caption)
    if conditions:
        measures["conditions_met"] = float(np.mean([condition.holds(joints)[0] for condition in conditions]))
    return measures


def add(sums: dict[str, float], numbers: Mapping[str, float], lock: threading.Lock) -> None:
    with lock:
        for key, value in numbers.items():
            sums[key] += value
