"""The command line of `python -m mardm_batch`: compose the settings, check them, hand them to the main path."""

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from mardm_batch.config.compose import compose_config, drop_sweep_overrides, to_config, variants_of
from mardm_batch.config.help import help_table
from mardm_batch.config.messages import explain_hydra_error
from mardm_batch.config.overrides import parse_flags, quote_override, resolve_now
from mardm_batch.config.schema import conf_dir
from mardm_batch.errors import ConfigurationError, ExitCode, MardmBatchError
from mardm_batch.launch.plan import PLAN
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import report_user_errors
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.terminal import ConsoleHandler, print_long_text

log = logging.getLogger(__name__)

CONF_FLAGS = ("config_dir", "config_path", "config_name")
"""Hydra's flags that say where configuration files are."""
USAGE = """\
Turn captions into 3D human poses: for each a .npy of 22 joints, a .json and a 1200 x 1200 .png.

  python -m mardm_batch +preset=fast                               the bundled captions, the embedded model
  python -m mardm_batch +preset=fast paths.prompts=my.md limit=10  the first ten of your own captions
  python -m mardm_batch --multirun shard=0,1,2 +preset=fast        three processes, one a GPU
  python -m mardm_batch model=mardm_sit_xl model.checkpoints=DIR model.stats=DIR
                                                                   the published model

What is finished is skipped: run the same command again to go on after an interruption.
Exit codes: 0 all finished, 1 some failed, 2 bad settings or input, 130/143 interrupted.

Presets (+preset=NAME)
  fast       sequence_length 8, time_steps 10
  quality    sequence_length 32, time_steps 50, the model's stronger guidance scale
  lowmem     batch_size 4

Looks (render=NAME): default, dark; finished pictures keep theirs unless existing=overwrite draws them again.
Models (model=NAME): embedded, mardm_sit_xl, mardm_ddpm_xl; add model=NAME to --help to see a model's own settings.
Sweeps (--multirun +experiment=NAME): presets, guidance; each job has a folder of its own.

Other commands (python -m mardm_batch.NAME --help): monitor, verify, compare, contact_sheet, compose_captions, evaluate,
benchmark, train.

Settings (KEY=VALUE)
"""
FOOTER = """
More: --cfg job prints the resolved settings, --info shows how they are composed, --hydra-help lists Hydra's own flags.
"""


def main() -> None:
    """Console script and `python -m mardm_batch`."""
    register_schemas()
    sys.argv[1:] = arguments = [quote_override(word) for word in sys.argv[1:]]
    with report_user_errors():
        if "--help" in arguments or "-h" in arguments:
            print_long_text(help_text(drop_sweep_overrides([word for word in arguments if "=" in word])))
            return
        parsed, sys.argv[1:] = parse_flags(get_args_parser(), arguments)
        looks = parsed.cfg or parsed.info
        if parsed.multirun and not looks:
            sys.exit(launch_sweep(parsed))
        if not (parsed.hydra_help or parsed.shell_completion):
            experiment = next((word for word in parsed.overrides if word.startswith("+experiment=")), None)
            if experiment and not parsed.multirun and not looks and PLAN not in os.environ:
                raise ConfigurationError(f"{experiment}: an experiment is a sweep; add --multirun")
            to_config(
                compose_config(drop_sweep_overrides(parsed.overrides) if parsed.multirun else parsed.overrides, parsed)
            )
            if not looks and HydraConfig.get().mode == RunMode.MULTIRUN:
                raise ConfigurationError("hydra.mode=MULTIRUN: a sweep is started with --multirun")
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not into a traceback that Hydra prints
        run_with_hydra()


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def run_with_hydra(cfg: DictConfig) -> None:
    from mardm_batch.cli import run

    run(cfg)


def run(cfg: DictConfig) -> None:
    """What Hydra runs: a run of the main path, whose exit code is the process's, or a job of a sweep."""
    from mardm_batch.launch.plan import current_plan, write_exit_code
    from mardm_batch.launch.sweep import attach_to_sweep, supervise
    from mardm_batch.run.conclusion import log_crash

    job, plan = HydraConfig.get(), current_plan()
    folder = Path(job.runtime.output_dir)
    if job.mode == RunMode.MULTIRUN:
        assert plan is not None
        supervise(plan, job.job.num, list(job.overrides.task), folder)
        return
    logging.raiseExceptions = False  # a log file on a full disk must not bury the one line that says so
    if plan is not None:
        ConsoleHandler.label = attach_to_sweep(plan, cfg.shard)
    try:
        with raise_on_signals():
            from mardm_batch.generate import generate

            code = generate(to_config(cfg), folder, None if plan is None else plan.name)
    except Interrupted as interruption:
        code = interruption.exit_code
    except MardmBatchError as error:
        log.error("%s", error)
        code = ExitCode.BAD_INPUT
    except Exception as error:
        log_crash(error, folder)
        code = ExitCode.CRASHED
    write_exit_code(plan, code)
    sys.exit(code)


def launch_sweep(arguments: Namespace) -> int:
    """Check every job of a sweep before anything is started, then let the launcher start them; the exit code."""
    from mardm_batch.launch.sweep import Job, run_sweep

    started = datetime.now()
    arguments.overrides = [resolve_now(word, started) for word in arguments.overrides]
    compose_config(drop_sweep_overrides(arguments.overrides), arguments)
    settings = HydraConfig.get()
    processes = settings.launcher.get("n_jobs", 1)  # Hydra's own launcher runs one job after another
    try:
        swept = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items()]
        folder = Path(settings.sweep.dir)
        parsed = OverridesParser.create().parse_overrides([*swept, *arguments.overrides])
        (words_of_jobs,) = BasicSweeper.split_arguments(parsed, None)
    except HydraException as error:
        raise ConfigurationError(explain_hydra_error(error, arguments.overrides, variants_of("config"))) from None
    jobs = [
        Job(
            number,
            [word for word in words if not word.startswith("hydra")],
            to_config(compose_config(words, arguments, number)),
        )
        for number, words in enumerate(words_of_jobs)
    ]

    flags = [f"--{flag.replace('_', '-')}={value}" for flag in CONF_FLAGS if (value := getattr(arguments, flag))]

    def launch(words: Sequence[str]) -> None:
        sys.argv[1:] = [*flags, "--multirun", *arguments.overrides, *words]
        run_with_hydra()

    return run_sweep(jobs, folder, flags, None if processes < 1 else processes, launch)


def help_text(overrides: Sequence[str]) -> str:
    return USAGE + help_table("config", overrides) + FOOTER
