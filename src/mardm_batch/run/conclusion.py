"""The end of a run, whatever ends it: lists and summary are written, and what is missing is reported."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.leftovers import is_alone
from mardm_batch.dataset.metadata import update_metadata
from mardm_batch.dataset.obstacles import ObstacleError
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.store import PoseStore, Survey
from mardm_batch.errors import SIGNAL_CODES, ExitCode, MardmBatchError, first_line
from mardm_batch.overview.cache import keep_while_read
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.shards import WHOLE_LIST
from mardm_batch.run.remakes import log_remade
from mardm_batch.run.statistics import RunStatistics
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.signals import Interrupted, defer_signals
from mardm_batch.system.terminal import clock, finished_of

log = logging.getLogger(__name__)

NOTHING_REQUESTED: Final[dict[str | None, str]] = {
    None: "this shard has no captions",
    "failed": "no pose is listed as failed",
    "rejected": "no rejected pose is left to make",
}
"""Why no pose is requested, by the setting `retry`."""
FAILURES_LISTED = 5


@dataclass
class Conclusion:
    """How a run ended."""

    exit_code: int
    survey: Survey | None = None
    """Of the requested poses, where this run changes none of them."""


@contextmanager
def conclude_run(statistics: RunStatistics, store: PoseStore, config: Config) -> Iterator[Conclusion]:
    """Turn whatever ends the run into its exit code, after its end is recorded and reported.

    Raises:
        MardmBatchError: bad settings or input; nothing was generated, and the progress record says refused.
    """
    started = time.monotonic()
    conclusion = Conclusion(ExitCode.ALL_FINISHED)
    try:
        yield conclusion
    except Interrupted as interruption:
        log.warning("interrupted: finished poses are kept")
        conclusion.exit_code = interruption.exit_code
    except DiskFullError:
        log.error("the disk of %s is full: free some space, then run the same command again", store.output)
        conclusion.exit_code = ExitCode.SOME_FAILED
    except MardmBatchError:
        statistics.mark_refused()
        raise
    except Exception as error:
        log_crash(error, statistics.run_folder)
        conclusion.exit_code = ExitCode.CRASHED
    with defer_signals():
        try:
            seconds = time.monotonic() - started
            conclusion.exit_code = report_end(
                statistics, store, config, conclusion.exit_code, seconds, conclusion.survey
            )
        except Exception as error:
            log_crash(error, statistics.run_folder)
            conclusion.exit_code = ExitCode.CRASHED
        summary = statistics.finish(conclusion.exit_code)
    statistics.tracker.finish(summary)  # takes seconds, and may be interrupted


def log_crash(error: Exception, run_folder: Path) -> None:
    """One line on the terminal, and the traceback in the log file."""
    words = "the run crashed: %s: %s; the log file in %s has the traceback"
    log.error(words, type(error).__name__, first_line(error), run_folder, exc_info=error)


def report_end(
    statistics: RunStatistics,
    store: PoseStore,
    config: Config,
    exit_code: int,
    seconds: float,
    survey: Survey | None = None,
) -> int:
    """Bring the lists of the output folder up to date, and report what is finished, missing and failed.

    Args:
        survey: of the requested poses; None: it is to be made.

    Returns:
        The exit code: `exit_code`, but 1 in place of 0 where poses are missing or a list is not up to date.
    """
    requested, problems = statistics.requested, list[OSError]()
    # Metadata is brought up to date once: by the launcher of a sweep, or by the last of shards that ran side by side.
    if statistics.progress.sweep is None and is_alone(store.output, statistics.progress.shard):
        with collect_errors(problems):
            update_metadata(store, keep_while_read(store.output, statistics.conditions))
    else:
        statistics.metadata_waits = statistics.progress.sweep is None
    survey = survey or store.survey(requested)
    remakes = config.existing == "overwrite" or config.retry == "rejected"
    not_remade = statistics.pending_names if remakes else ()
    finished = [each for each in survey.finished if each.name not in not_remade]
    statistics.record_unseen(finished)
    with collect_errors(problems):
        statistics.failures.append(statistics.unlisted_failures)
        statistics.failures.remove(prompt.key for prompt in finished)
    log_list_problems(store, survey, problems)
    missing = len(requested) - len(finished)
    if problems:
        exit_code = exit_code or ExitCode.SOME_FAILED
    left_out = words_about_others(statistics.progress, len(finished))
    if not (statistics.had_pending or missing or exit_code):
        count = "1 pose is" if len(requested) == 1 else f"all {len(requested)} poses are"
        words = f"{count} finished in {store.output}" if requested else NOTHING_REQUESTED[config.retry]
        log.info("nothing to do: %s%s", words, left_out)
    elif statistics.had_pending or missing:
        hint = f"; {resume_hint(config)}" if missing and exit_code in SIGNAL_CODES else ""
        log.info(
            "%s in %s, after %s%s%s%s",
            finished_of(len(finished), len(requested), "made again" if config.retry == "rejected" else "finished"),
            store.output,
            clock(seconds),
            f"; {missing} {'is' if missing == 1 else 'are'} missing" if missing else "",
            hint,
            left_out,
        )
    if config.retry == "rejected":
        log_remade(requested, store, config.sampling.min_agreement)
    if survey.unknown_words:
        words = "captions with words that the model does not know: %d (unknown_words in their JSON)"
        log.info(words, survey.unknown_words)
    list_failures(statistics.failures, requested)
    return exit_code or (ExitCode.SOME_FAILED if missing else ExitCode.ALL_FINISHED)


def words_about_others(progress: Progress, finished: int) -> str:
    """How much of the list, or of the shard's part of it, is finished, where `retry` asked for some poses alone."""
    if not progress.left_out:
        return ""
    words = finished_of(finished + progress.left_out_finished, progress.total + progress.left_out)
    return f"; of the whole {'list' if progress.shard == WHOLE_LIST else 'shard'} {words}"


def update_metadata_last(statistics: RunStatistics, store: PoseStore, exit_code: int) -> int:
    """After the shard's lock is released: of shards that ended together the last brings the metadata up to date.

    Returns:
        The exit code: `exit_code`, but 1 in place of 0 where that cannot be done.
    """
    try:
        if statistics.metadata_waits and is_alone(store.output, statistics.progress.shard):
            update_metadata(store, keep_while_read(store.output, statistics.conditions))
    except OSError as error:
        log_outdated_lists(store, error)
        return exit_code or ExitCode.SOME_FAILED
    return exit_code


@contextmanager
def collect_errors(errors: list[OSError]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        errors.append(error)


def log_list_problems(store: PoseStore, survey: Survey, problems: Sequence[OSError]) -> None:
    """One line about the first list that is not up to date, which the next run mends, else about unreadable poses."""
    if problems:
        log_outdated_lists(store, problems[0])
        return
    for file, reason in survey.unreadable.items():
        log.error("%s cannot be read: %s; run the same command again once it can", store.output / file, reason)


def log_outdated_lists(store: PoseStore, error: OSError) -> None:
    """One line that names the file which could not be read or written."""
    named = error.filename2 or error.filename
    reason = error.strerror or str(error)
    reason = reason if named is None else f"{Path(os.fsdecode(named)).name}: {reason}"
    advice = "" if isinstance(error, ObstacleError) else "; run the same command again once that is mended"
    log.error("the lists in %s were not brought up to date (%s)%s", store.output, reason, advice)


def list_failures(failures: FailureList, requested: Sequence[Prompt]) -> None:
    """Log the first failures of the poses that were requested."""
    try:
        listed = failures.read()
    except OSError as error:
        log.warning("%s cannot be read: %s", failures.path, error.strerror)
        return
    captions = {prompt.caption for prompt in requested} if listed else ()
    listed = [each for each in listed if each.caption in captions]
    for each in listed[:FAILURES_LISTED]:
        log.error("failed: %s (%s): %s", each.name, each.stage, each.error)
    if len(listed) > FAILURES_LISTED:
        log.error("and %d more, see %s", len(listed) - FAILURES_LISTED, failures.path)


def resume_hint(config: Config) -> str:
    """Which command makes the poses that are missing."""
    if config.existing == "overwrite":
        return "the same command makes all of them again, with existing=skip only those that are missing"
    command = "the same command" if config.existing in ("skip", "keep") else "the same command with existing=skip"
    return f"{command} makes the rest"
