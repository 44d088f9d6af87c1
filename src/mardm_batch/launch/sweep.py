"""A sweep, from its checked jobs to its report."""

import shutil

from mardm_batch.errors import InputError
from mardm_batch.launch.engines import Sweep, engine_for
from mardm_batch.launch.jobs import check_jobs, omitted_shards
from mardm_batch.launch.plan import status_folder
from mardm_batch.launch.record import record_sweep
from mardm_batch.launch.report import report
from mardm_batch.system.terminal import CONSOLE


def run_sweep(sweep: Sweep) -> int:
    """Check the jobs of a sweep, run them by the engine of its launcher, and report what is finished.

    Returns:
        The exit code: 0 all runs finished, 1 one did not or the launcher failed, 2 all were refused, 130 or 143
        interrupted.

    Raises:
        ConfigurationError, InputError: nothing was started.
    """
    check_jobs(sweep.jobs)
    for warning in omitted_shards(sweep.jobs):
        CONSOLE.print(f"warning: {warning}", markup=False, soft_wrap=True)
    clear_statuses(sweep.folder)
    record_sweep(sweep.jobs, sweep.folder)
    exit_code = engine_for(sweep.launcher).run_sweep(sweep)
    return report(sweep.jobs, sweep.folder, exit_code)


def clear_statuses(folder: str) -> None:
    """Make an empty folder for the statuses of the runs, whatever an earlier sweep in the same folder left.

    Raises:
        InputError: it cannot be made.
    """
    try:
        shutil.rmtree(status_folder(folder), ignore_errors=True)
        status_folder(folder).mkdir(parents=True)
    except OSError as error:
        raise InputError(f"hydra.sweep.dir={folder}: cannot be written to: {error.strerror}") from None
