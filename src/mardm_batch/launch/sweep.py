"""A sweep, from its checked jobs to its report."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from mardm_batch.launch.engines import Sweep, engine_for
from mardm_batch.launch.jobs import check_jobs, omission_warnings
from mardm_batch.launch.plan import status_folder
from mardm_batch.launch.record import record_sweep
from mardm_batch.launch.report import report
from mardm_batch.system.folders import explain_unwritable
from mardm_batch.system.terminal import CONSOLE

BYTES_NEEDED = 2**16
"""Free space for the logs, settings and statuses of a sweep, below which it is not started."""


def run_sweep(sweep: Sweep) -> int:
    """Check the jobs of a sweep, run them by the engine of its launcher, and report what is finished.

    Returns:
        The exit code: 0 all runs finished, 1 one did not or the launcher failed, 2 all were refused, 129, 130
        or 143 interrupted.

    Raises:
        ConfigurationError, InputError: nothing was started.
    """
    engine = engine_for(sweep.launcher)
    check_jobs(sweep.jobs)
    engine.check(sweep.jobs)
    for warning in omission_warnings(sweep.jobs):
        CONSOLE.print(f"warning: {warning}", markup=False, soft_wrap=True)
    config = sweep.jobs[0].config
    clear_statuses(sweep.folder, {"paths.output": config.paths.output, "paths.temp": config.paths.temp})
    record_sweep(sweep.jobs, sweep.folder)
    exit_code = engine.run_sweep(sweep)
    return report(sweep.jobs, sweep.folder, exit_code)


def clear_statuses(folder: str, others: Mapping[str, str]) -> None:
    """Make an empty folder for the statuses of the runs, whatever an earlier sweep in the same folder left.

    Args:
        others: further folders of the runs by their settings.

    Raises:
        InputError: it cannot be made, or nothing can be written into it.
    """
    with explain_unwritable("hydra.sweep.dir", Path(folder), others):
        shutil.rmtree(status_folder(folder), ignore_errors=True)
        status_folder(folder).mkdir(parents=True)
        probe = status_folder(folder) / "probe"
        probe.write_bytes(bytes(BYTES_NEEDED))
        probe.unlink()
