"""The end of a run, whatever ends it: lists and summary are written, and what is missing is reported."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ExitCode, MardmBatchError, first_line
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.statistics import RunStatistics
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.signals import Interrupted, defer_signals
from mardm_batch.system.terminal import clock

log = logging.getLogger(__name__)

FAILURES_LISTED = 5


@dataclass
class Conclusion:
    """How a run ended."""

    exit_code: int


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
        log.warning("interrupted: finished poses are kept; %s", resume_hint(config))
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
            conclusion.exit_code = report_end(statistics, store, config, conclusion.exit_code, seconds)
        except Exception as error:
            log_crash(error, statistics.run_folder)
            conclusion.exit_code = ExitCode.CRASHED
        summary = statistics.finish(conclusion.exit_code)
    statistics.tracker.finish(summary)  # takes seconds, and may be interrupted


def log_crash(error: Exception, run_folder: Path) -> None:
    """One line on the terminal, and the traceback in the log file."""
    words = "the run crashed: %s: %s; the log file in %s has the traceback"
    log.error(words, type(error).__name__, first_line(error), run_folder, exc_info=error)


def report_end(statistics: RunStatistics, store: PoseStore, config: Config, exit_code: int, seconds: float) -> int:
    """Bring the lists of the output folder up to date, and report what is finished, missing and failed.

    Returns:
        The exit code: `exit_code`, but 1 in place of 0 where poses are missing.
    """
    with warn_if_not_written(store):
        rebuild_metadata(store)
    requested = statistics.requested
    not_remade = statistics.pending_names if config.existing == "overwrite" else ()
    finished = [each for each in store.survey(requested).finished if each.name not in not_remade]
    with warn_if_not_written(store):
        statistics.failures.remove({prompt.caption for prompt in finished})
    if exit_code == ExitCode.ALL_FINISHED and not statistics.had_pending:
        reason = f"all {len(requested)} poses are finished in {store.output}" if requested else "no pose is requested"
        log.info("nothing to do: %s", reason)
        return exit_code
    missing = len(requested) - len(finished)
    log.info(
        "%d of %d poses are finished in %s, after %s%s",
        len(finished),
        len(requested),
        store.output,
        clock(seconds),
        f"; {missing} are missing" if missing else "",
    )
    list_failures(statistics.failures, requested)
    return exit_code or (ExitCode.SOME_FAILED if missing else ExitCode.ALL_FINISHED)


@contextmanager
def warn_if_not_written(store: PoseStore) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.warning("the lists in %s were not brought up to date: %s", store.output, error.strerror)


def list_failures(failures: FailureList, requested: Sequence[Prompt]) -> None:
    """Log the first failures of the poses that were requested."""
    captions = {prompt.caption for prompt in requested}
    listed = [each for each in failures.read() if each.caption in captions]
    for each in listed[:FAILURES_LISTED]:
        log.error("failed: %s (%s): %s", each.name, each.stage, each.error)
    if len(listed) > FAILURES_LISTED:
        log.error("and %d more, see %s", len(listed) - FAILURES_LISTED, failures.path)


def resume_hint(config: Config) -> str:
    """Which command makes the poses that are missing."""
    if config.existing == "overwrite":
        return "the same command makes all of them again, with existing=skip only those that are missing"
    command = "the same command" if config.existing == "skip" else "the same command with existing=skip"
    return f"{command} makes the rest"
