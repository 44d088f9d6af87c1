"""The report at the end of a sweep: how the runs ended, and which poses are missing."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.metadata import update_metadata
from mardm_batch.dataset.progress import read_progress
from mardm_batch.dataset.queues import ENDED, read_queue
from mardm_batch.errors import ExitCode, InputError, MardmBatchError
from mardm_batch.launch.jobs import Job, omitted_poses
from mardm_batch.launch.plan import EXIT_CODE, PROCESS_ID, SIGNAL, STARTED, queue_file, read_status, sweep_name
from mardm_batch.launch.record import record_end
from mardm_batch.library.caption_conditions import caption_conditions
from mardm_batch.overview.cache import keep_while_read
from mardm_batch.pose.conditions import Condition
from mardm_batch.run.conclusion import log_outdated_lists, resume_hint
from mardm_batch.run.remakes import log_remade
from mardm_batch.run.shard import check_run, count_finished
from mardm_batch.system.signals import signal_name
from mardm_batch.system.terminal import counted, finished_of
from mardm_batch.tracking.offline import log_offline_runs

log = logging.getLogger(__name__)

ENDINGS: Final[dict[int | None, str]] = {
    None: "died",
    ExitCode.ALL_FINISHED: "ended",
    ExitCode.SOME_FAILED: "failed in part",
    ExitCode.BAD_INPUT: "was refused",
    ExitCode.CRASHED: "crashed",
}
"""How a run ended, by its exit code; any other is that of an interrupted one."""


def report(jobs: Sequence[Job], folder: str, exit_code: int) -> int:
    """Report which runs did not finish and how many poses are missing, by the runs' exit codes and the poses on disk.

    Args:
        folder: of the sweep.
        exit_code: of an interruption or of a launcher that failed, else 0.

    Returns:
        The exit code of the sweep: 0 all poses are finished, 1 not all, 2 all were refused, or `exit_code`.
    """
    codes = [read_status(folder, job.number, EXIT_CODE) for job in jobs]
    causes = causes_of_ends(folder)
    missing = requested = 0
    for job in jobs:
        job.reading.look_again()
    complete = update_all_metadata(jobs)
    for job, code in zip(jobs, codes, strict=True):
        finished, total = count_finished(job.config, job.reading)
        missing, requested = missing + total - finished, requested + total
        ending = causes.get(job.number) or ending_of(job, code, folder, interrupted=exit_code != 0)
        if not is_complete(job, code, finished, total):
            complete = False
            log.error("%s %s: %s", job.name, ending, finished_of(finished, total))
        elif code != ExitCode.ALL_FINISHED:
            log.warning("%s %s, but all of its poses are finished", job.name, ending)
    record_end(jobs, folder)
    report_remade(jobs)
    log_offline_runs(Path(folder) / str(job.number) for job in jobs)
    omitted, listed = omitted_poses(jobs)
    verb = "is" if omitted == 1 else "are"
    left_out = (
        f"; {omitted:,} of the list's {counted(listed, 'pose')} {verb} left out with their shards" if omitted else ""
    )
    if complete:
        is_missing = "is missing and was" if missing == 1 else "are missing and were"
        rest = f"{missing} {is_missing} not requested" if missing else f"nothing is missing{left_out}"
        log.info("the sweep is finished: %s, %s, %s", counted(len(jobs), "job"), counted(requested, "pose"), rest)
        return exit_code
    if missing:
        poses_are, hint = "pose is" if requested == 1 else "poses are", resume_hint(jobs[0].config)
        log.error("%d of %d %s missing; %s%s", missing, requested, poses_are, hint, left_out)
    else:
        log.error("no pose is missing, but not every run finished; their logs say why")
    if exit_code:
        return exit_code
    return ExitCode.BAD_INPUT if all(code == ExitCode.BAD_INPUT for code in codes) else ExitCode.SOME_FAILED


def causes_of_ends(folder: str) -> dict[int, str]:
    """How jobs ended other than by themselves, by their numbers, as a scheduler says it."""
    queue = read_queue(Path(queue_file(folder)))
    ended = {number: job for number, job in queue.items() if job.state == ENDED and job.reason}
    return {number: f"{job.reason} (job {job.job})" for number, job in ended.items()}


def ending_of(job: Job, code: int | None, folder: str, interrupted: bool) -> str:
    """How a run ended, by its exit code; None where it left none. `interrupted`: the sweep was."""
    if code is None and interrupted:
        return "was stopped" if was_started(job, folder) else "was not started"
    number = read_status(folder, job.number, SIGNAL)
    if code is None and number is not None:
        return f"was killed by {signal_name(number)}"
    return ENDINGS.get(code, "was stopped")


def was_started(job: Job, folder: str) -> bool:
    """Whether the run of a job was started: a status says so, or its record where another launcher started it."""
    if any(read_status(folder, job.number, key) is not None for key in (PROCESS_ID, STARTED)):
        return True
    with suppress(OSError):
        records = read_progress(job.output)
        return any((each.sweep, each.shard) == (sweep_name(folder), job.shard_name) for each in records)
    return False


def report_remade(jobs: Sequence[Job]) -> None:
    """How the poses fare that were made again with `retry=rejected`, in one line for each output folder."""
    outputs: dict[Path, list[Job]] = {}
    for job in jobs:
        if job.config.retry == "rejected":
            outputs.setdefault(job.output, []).append(job)
    for together in outputs.values():
        first = together[0]
        prompts = [prompt for job in together for prompt in job.reading.prompts(job.config)]
        log_remade(prompts, first.reading.store(first.config), first.config.sampling.min_agreement)


def update_all_metadata(jobs: Sequence[Job]) -> bool:
    """Bring the metadata of every output folder up to date, once; whether all could be."""
    up_to_date = True
    for job in {job.output: job for job in jobs}.values():
        store = job.reading.store(job.config)
        try:
            if (store.output / RECORDS).is_dir():
                update_metadata(store, keep_while_read(store.output, conditions_of(job)))
        except OSError as error:
            log_outdated_lists(store, error)
            up_to_date = False
    return up_to_date


def conditions_of(job: Job) -> Mapping[str, Sequence[Condition]]:
    """The conditions of captions, by which a job's poses are measured; none where they cannot be read."""
    prompts = job.config.paths.prompts
    with suppress(InputError):  # its runs were refused for that
        return caption_conditions(None if prompts is None else Path(prompts).expanduser())
    return {}


def is_complete(job: Job, code: int | None, finished: int, total: int) -> bool:
    """Whether a run's poses are as it was to make them: by itself, or all of them by another process meanwhile."""
    if code == ExitCode.ALL_FINISHED:  # with `retry` it was not to make those that never failed
        return finished == total or job.config.retry is not None
    if finished < total or job.config.existing in ("overwrite", "error"):
        return False  # poses were to be made again, not only to exist
    if code == ExitCode.SOME_FAILED:  # or it could not update the list of failures
        with suppress(OSError):
            return not FailureList(job.output).failed_prompts(job.reading.prompts(job.config))[0]
        return False
    if code == ExitCode.BAD_INPUT:
        with suppress(MardmBatchError):
            check_run(job.config, job.reading)
            return True
        return False
    return True
