"""Statistics of one run: progress, metrics and summary, for the terminal, trackers and other commands.

Written to Hydra's run folder: `metrics.jsonl`, the metrics at a steady interval, and `summary.json` at the end.
Written to the output folder: the shard's progress, and each failure at once.
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
from mardm_batch.dataset.records import Failure, Outcome
from mardm_batch.dataset.summary import SUMMARY_FILE, PoseSample, RunSummary
from mardm_batch.errors import ExitCode
from mardm_batch.library.caption_conditions import caption_conditions
from mardm_batch.pose.geometry import Joints, diversity
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.measures import pose_measures
from mardm_batch.sampling.vocabulary import ReadCaptions
from mardm_batch.system.files import DiskFullError, write_atomically
from mardm_batch.system.terminal import ProgressDisplay
from mardm_batch.tracking.tracker import NullTracker, Tracker

log = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
REPORTS_PER_METRICS = 2
SECONDS_TO_LIST_FAILURE = 1.0
"""Sampling waits so long at most for another process that holds the list of failures."""
NEWEST_NAMES = 5
UNKNOWN_WORDS_LISTED = 20
DIVERSITY_POSES = 300
"""Poses of which the diversity is measured; its cost grows with their square."""
STATES: dict[int, str] = {
    ExitCode.ALL_FINISHED: "finished",
    ExitCode.SOME_FAILED: "incomplete",
    ExitCode.CRASHED: "crashed",
}
"""State of a run by its exit code; any other is that of an interrupted one."""


class RunStatistics:
    """Statistics of one run of one shard. While it is open, a thread writes progress and metrics periodically."""

    def __init__(
        self,
        progress: Progress,
        requested: Sequence[Prompt],
        output: Path,
        settings: Mapping[str, Any],
        failures: FailureList,
    ) -> None:
        prompts = settings["paths"]["prompts"]
        self.conditions = caption_conditions(None if prompts is None else Path(prompts).expanduser())
        """The conditions of captions, by which poses are measured."""
        self.requested = requested
        self.had_pending = False
        """Whether this run had poses to make."""
        self.metadata_waits = False
        """Whether other shards were at work when this run ended, the last of which brings the metadata up to date."""
        self.unlisted_failures: list[Failure] = []
        """Failures that could not be added to `failures.jsonl` yet."""
        self.pending_names: set[str] = set()
        """Names of the poses that this run is to make and has not written yet."""
        self.progress, self.output, self.settings, self.failures = progress, output, settings, failures
        self.run_folder = Path(progress.run_folder)
        self.display = ProgressDisplay(total=0, bar=False)
        self.tracker: Tracker = NullTracker()
        self.lock = threading.Lock()
        """Guards the sums and counts below, which the main thread changes and the reporting thread reads."""
        self.stage_seconds: defaultdict[str, float] = defaultdict(float)
        self.measure_sums: defaultdict[str, float] = defaultdict(float)
        self.measure_counts: defaultdict[str, float] = defaultdict(float)
        self.errors: Counter[str] = Counter()
        self.unknown_words: Counter[str] = Counter()
        self.captions_with_unknown_words = 0
        self.captions_rewritten = 0
        self.diversity_joints: list[Joints] = []
        self.samples: list[PoseSample] = []
        self.closed = threading.Event()
        self.reporter = threading.Thread(target=self.report_periodically, daemon=True)

    def begin(
        self, requested: Sequence[Prompt], pending: Sequence[Prompt], left_out: int = 0, left_out_finished: int = 0
    ) -> None:
        """Set the poses that are requested of the shard, and those among them that this run is to make.

        Args:
            left_out: number of poses of the shard's list that are not requested; `left_out_finished` are finished.
        """
        self.requested, self.pending_names = requested, {prompt.name for prompt in pending}
        self.had_pending = bool(pending)
        self.progress.total, self.progress.finished_before = len(requested), len(requested) - len(pending)
        self.progress.left_out, self.progress.left_out_finished = left_out, left_out_finished
        self.display = ProgressDisplay(len(pending), bar=self.progress.sweep is None)

    def __enter__(self) -> "RunStatistics":
        self.reporter.start()
        self.display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.display.__exit__(kind, error, trace)
        self.closed.set()
        self.reporter.join()

    def report_periodically(self) -> None:
        """Write the progress, and every other time the metrics, until the run ends."""
        for count in itertools.count():
            self.write_progress()
            if self.closed.wait(REPORT_SECONDS):
                return
            if count % REPORTS_PER_METRICS == 0:
                self.write_metrics()

    def record_reading(self, read: ReadCaptions) -> None:
        """Count captions that are read in other words, and by words that the model does not know; warn of those
        among them that it ignores, and record the captions that it cannot read."""
        self.captions_rewritten = len(read.read_as)
        if read.read_as:
            rewritten = "captions read in other words: %d (read_as in their JSON; --verbose lists them)"
            log.info(rewritten, len(read.read_as))
        self.unknown_words = Counter(word.lower() for unknown in read.unknown_words.values() for word in unknown)
        self.captions_with_unknown_words = sum(map(bool, read.unknown_words.values()))
        self.record_failures(read.failures)
        captions = {prompt.caption for prompt in read.prompts}  # the others fail
        ignored = Counter(
            word.lower() for caption, unknown in read.unknown_words.items() if caption in captions for word in unknown
        )
        if ignored:
            listed = [word for word, _ in ignored.most_common(UNKNOWN_WORDS_LISTED)]
            more = f" and {len(ignored) - len(listed)} more" if len(ignored) > len(listed) else ""
            log.warning("the model does not know these words and ignores them: %s%s", ", ".join(listed), more)

    def record_batch(self, seconds: float, device: str, device_memory_mb: float) -> None:
        """Count a sampled batch: its duration, device, and the peak of memory there."""
        self.display.count_batch(seconds)
        self.add(self.stage_seconds, {"sample": seconds})
        self.progress.state, self.progress.device = "running", device
        self.progress.device_memory_mb = device_memory_mb

    def record_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Count poses that were written or failed in a writer; a repeated outcome of a pose counts once."""
        for each in outcomes:
            if each.pose.prompt.name not in self.pending_names:
                continue
            self.add(self.stage_seconds, each.seconds)
            if each.failure is not None:
                self.record_failure(each.failure)
                continue
            prompt, measures = each.pose.prompt, pose_measures(each.pose, self.conditions)
            self.add(self.measure_counts, dict.fromkeys(measures, 1))
            self.add(self.measure_sums, measures)
            if len(self.diversity_joints) < DIVERSITY_POSES:
                self.diversity_joints.append(each.pose.joints)
            if len(self.samples) < self.settings["tracking"]["samples"]:
                self.samples.append(PoseSample(prompt.name, prompt.caption, measures))
            self.pending_names.discard(prompt.name)
            self.progress.newest = [*self.progress.newest, prompt.name][-NEWEST_NAMES:]
            self.display.advance(done=1)

    def record_unseen(self, finished: Iterable[Prompt]) -> None:
        """Count those among the finished poses whose outcome never came, as the signal that ended the run ended their
        writer too."""
        unseen = [prompt.name for prompt in finished if prompt.name in self.pending_names]
        self.pending_names.difference_update(unseen)
        self.progress.newest = [*self.progress.newest, *unseen][-NEWEST_NAMES:]
        self.display.done += len(unseen)

    def record_failure(self, failure: Failure) -> None:
        """Count a pose that could not be made, and list it in `failures.jsonl`."""
        self.record_failures([failure])

    def record_failures(self, failures: Sequence[Failure]) -> None:
        """Count poses that could not be made, and list them in `failures.jsonl`."""
        self.list_failures(failures)
        for each in failures:
            self.errors[f"{each.stage}: {each.error}"] += 1
            self.progress.last_failure = f"{each.name} ({each.stage}): {each.error}"
        if failures:
            self.display.advance(failed=len(failures))

    def list_failures(self, failures: Sequence[Failure]) -> None:
        """Add failures to `failures.jsonl`; where that cannot be done at once they wait for the next time.

        Raises:
            DiskFullError: there is no space.
        """
        seconds = 0.0 if self.unlisted_failures else SECONDS_TO_LIST_FAILURE
        self.unlisted_failures += failures
        try:
            self.failures.append(self.unlisted_failures, seconds)
        except DiskFullError:
            raise
        except OSError:  # sampling goes on; the end of the run tries again, and reports it
            return
        self.unlisted_failures = []

    def add(self, sums: defaultdict[str, float], values: Mapping[str, float]) -> None:
        with self.lock:
            for key, value in values.items():
                sums[key] += value

    def write_progress(self) -> None:
        display, progress = self.display, self.progress
        progress.done, progress.failed, progress.poses_per_second = display.done, display.failed, display.rate
        progress.seconds_left = display.seconds_left
        with suppress(OSError):  # a full disk ends the run in the main thread
            progress.write(self.output)

    def metrics(self) -> dict[str, float]:
        """The metrics so far; measures of poses as means over those that were written."""
        display = self.display
        with self.lock:
            stages, sums, counts = dict(self.stage_seconds), dict(self.measure_sums), dict(self.measure_counts)
        return {
            "poses_done": display.done,
            "failures": display.failed,
            "poses_per_second": display.rate,
            "seconds": time.time() - self.progress.started,
            "device_memory_mb": self.progress.device_memory_mb,
            **{f"seconds/{stage}": seconds for stage, seconds in stages.items()},
            **{measure: total / counts[measure] for measure, total in sums.items()},
        }

    def write_metrics(self) -> None:
        metrics = self.metrics()
        if (left := self.display.seconds_left) is not None:
            metrics["seconds_left"] = left
        with suppress(OSError), (self.run_folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        self.tracker.log(metrics)

    def mark_refused(self) -> None:
        """Write that settings or input were refused, where the progress of this run was written before."""
        if self.closed.is_set():
            self.progress.state, self.progress.exit_code = "refused", ExitCode.BAD_INPUT
            self.write_progress()

    def finish(self, exit_code: int) -> RunSummary:
        """Write the last progress and metrics and the summary of the run, with which its tracker is to be finished."""
        state = STATES.get(exit_code, "interrupted")
        self.progress.state, self.progress.exit_code = state, exit_code
        self.write_progress()
        self.write_metrics()
        summary = self.summary(state, exit_code)
        with suppress(OSError):
            content = json.dumps(summary.to_json(), ensure_ascii=False, indent=1).encode()
            write_atomically(self.run_folder / SUMMARY_FILE, content)
        return summary

    def summary(self, state: str, exit_code: int) -> RunSummary:
        distance = diversity(np.array(self.diversity_joints))
        return RunSummary(
            shard=self.progress.shard,
            sweep=self.progress.sweep,
            state=state,
            exit_code=exit_code,
            output=self.output.resolve(),
            settings=self.settings,
            metrics=self.metrics() if distance is None else {**self.metrics(), "diversity_cm": 100 * distance},
            errors=dict(self.errors),
            unknown_words=dict(self.unknown_words),
            captions_with_unknown_words=self.captions_with_unknown_words,
            captions_rewritten=self.captions_rewritten,
            samples=tuple(self.samples),
            started=self.progress.started,
        )
