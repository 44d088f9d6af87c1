"""One run in this process, whose every end is an exit code."""

import logging
from pathlib import Path

from omegaconf import DictConfig

from mardm_batch.config.compose import to_config
from mardm_batch.errors import ExitCode, MardmBatchError
from mardm_batch.generate import generate
from mardm_batch.run.conclusion import log_crash
from mardm_batch.system.early_signals import INTERRUPTED
from mardm_batch.system.signals import Interrupted, raise_on_signals

log = logging.getLogger(__name__)


def run_to_exit_code(cfg: DictConfig, folder: Path, sweep: str | None) -> int:
    """Generate the poses of a shard; errors are logged, as is the traceback of a crash in the log file of `folder`."""
    logging.raiseExceptions = False  # a log file on a full disk must not bury the one line that says so
    try:
        with raise_on_signals():
            return generate(to_config(cfg), folder, sweep)
    except Interrupted as interruption:  # before the first pose or after the last
        log.warning(INTERRUPTED)
        return interruption.exit_code
    except MardmBatchError as error:
        log.error("%s", error)
        return ExitCode.BAD_INPUT
    except Exception as error:
        log_crash(error, folder)
        return ExitCode.CRASHED
