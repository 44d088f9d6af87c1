"""The command line of `python -m mardm_batch`: compose the settings, check them, hand them to the main path."""

import difflib
import os
import re
import runpy
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from datetime import datetime
from io import StringIO
from pathlib import Path

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from mardm_batch import __version__
from mardm_batch.config.compose import (
    compose_config,
    compose_jobs,
    drop_sweep_overrides,
    setting_rows,
    to_config,
    variants_of,
)
from mardm_batch.config.groups import group_choices
from mardm_batch.config.help import help_table, two_columns
from mardm_batch.config.messages import explain_hydra_error
from mardm_batch.config.overrides import parse_flags, quote_override, resolve_now
from mardm_batch.config.schema import Config, conf_dir
from mardm_batch.errors import ConfigurationError, ExitCode, InputError
from mardm_batch.launch.plan import EXIT_CODE, SWEEP_VARIABLE, current_plan, sweep_name, write_status
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_summaries, report_user_errors
from mardm_batch.system.folders import check_utf8, check_working_folder, explain_unwritable
from mardm_batch.system.terminal import ConsoleHandler, ProgressDisplay, print_output, printable_lines

CONF_FLAGS = ("config_dir", "config_path", "config_name")
"""Hydra's flags that name the configuration."""
VERBOSE = {"--verbose": "hydra.verbose=mardm_batch"}
"""Our flag as Hydra's setting: the loggers of this package tell details."""
GROUPS = {
    "preset": "Presets (+preset=NAME)",
    "render": "Looks (render=NAME); finished pictures keep theirs, existing=overwrite redraws",
    "model": "Models (model=NAME); with model=NAME --help shows that model's settings",
    "experiment": "Experiments (--multirun +experiment=NAME); each job has its own folder",
}
"""Config groups of which `--help` lists the choices."""
USAGE = """\
Turn captions into 3D human poses: for each a .npy of 22 joints, a .json and a
1200 x 1200 .png.

  python -m mardm_batch +preset=fast
      the bundled captions, the embedded model
  python -m mardm_batch +preset=fast paths.prompts=my.md limit=10
      the first ten of your own captions
  python -m mardm_batch --multirun shard=0,1,2 +preset=fast
      three processes, one per GPU
  python -m mardm_batch model=mardm_sit_xl model.checkpoints=DIR model.stats=DIR
      the published model

Finished poses are skipped: run the same command again after an interruption.
Exit codes: 0 all finished, 1 some failed, 2 bad settings or input, 3 crashed,
129/130/143 interrupted.
"""
FOOTER = """
--verbose tells how captions are read, --cfg job prints the resolved settings,
--info shows how they are composed, --hydra-help lists Hydra's own flags,
--version prints the version.
"""


def main() -> None:
    """The command with the words of `sys.argv`."""
    if "--version" in sys.argv[1:]:
        print_output(f"mardm-batch {__version__}")
        return
    if len(sys.argv) > 1 and sys.argv[1] in command_summaries():
        run_command(sys.argv[1], sys.argv[2:])
        return
    register_schemas()
    with report_user_errors():
        check_working_folder()
        for word in sys.argv[1:]:
            check_utf8("", word)
        sys.argv[1:] = arguments = [VERBOSE.get(word) or quote_override(word) for word in sys.argv[1:]]
        if "--help" in arguments or "-h" in arguments:
            words = [word for word in arguments if word not in ("--help", "-h")]
            print_output(printable_lines(help_text(words)))
            return
        parsed, sys.argv[1:] = parse_flags(get_args_parser(), arguments)
        check_words(parsed.overrides)
        show_config_only = parsed.cfg or parsed.info
        if parsed.multirun and not show_config_only:
            sys.exit(launch_sweep(parsed))
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not into a traceback that Hydra prints
        if parsed.hydra_help or parsed.shell_completion:
            show_with_hydra()
            return
        config = check_single_run(parsed, show_config_only)
        if show_config_only:
            show_with_hydra()
        else:
            run_in_folder(config, HydraConfig.get())


def run_command(name: str, arguments: Sequence[str]) -> None:
    """Run `python -m mardm_batch.NAME`."""
    sys.argv = [name, *arguments]
    runpy.run_module(f"mardm_batch.{name}", run_name="__main__", alter_sys=True)


def check_words(words: Sequence[str]) -> None:
    """Check that every word is a setting; it may be a command, preset, key or file, mistyped or without its value.

    Raises:
        ConfigurationError: one is not, with what may be meant.
    """
    from mardm_batch.prompts.readers import READERS

    for word in words:
        group = re.sub(r"=(null)?$", "", word.lstrip("+"))
        if group in GROUPS:
            plus = "+" if group in ("preset", "experiment") else ""
            raise ConfigurationError(f"{word}: name one, {plus}{group}=NAME ({', '.join(group_choices(group))})")
        if re.match(r"~(?!hydra\b)", word):
            raise ConfigurationError(f"{word}: a setting cannot be removed; without KEY=VALUE it has its default")
        if "=" in word or word.startswith("~"):
            continue
        if Path(word).suffix.lower() in READERS:
            raise ConfigurationError(f"{word}: not a setting; did you mean paths.prompts={shlex.quote(word)}?")
        if not re.fullmatch(r"[\w.-]+", word):
            continue
        presets = {name: f"+preset={name}" for name in group_choices("preset")}
        keys = {row.key: f"{row.key}=VALUE" for row in setting_rows("config", [])}
        known = {**keys, **presets, **{name: name for name in command_summaries()}}
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {known[near[0]]}?" if near else "a setting is written KEY=VALUE; --help lists them all"
        raise ConfigurationError(f"{word}: neither a command nor a setting; {hint}")


def check_single_run(parsed: Namespace, show_config_only: bool) -> Config:
    """The checked settings of a run. Raises ConfigurationError."""
    experiment = next((word for word in parsed.overrides if word.startswith("+experiment=")), None)
    folders = [Path(parsed.config_dir)] if parsed.config_dir else []
    known = experiment and experiment.partition("=")[2] in group_choices("experiment", folders)
    if known and not parsed.multirun and not show_config_only and SWEEP_VARIABLE not in os.environ:
        raise ConfigurationError(f"{experiment}: an experiment is a sweep; add --multirun")
    overrides = drop_sweep_overrides(parsed.overrides) if parsed.multirun else parsed.overrides
    config = to_config(compose_config(overrides, parsed))
    if not show_config_only and HydraConfig.get().mode == RunMode.MULTIRUN:
        raise ConfigurationError("hydra.mode=MULTIRUN: a sweep is started with --multirun")
    return config


def run_in_folder(config: Config, settings: HydraConf) -> None:
    """Run with Hydra, which makes the run's folder and log first; InputError where it cannot."""
    plan, others = current_plan(), {"paths.output": config.paths.output, "paths.temp": config.paths.temp}
    try:
        with explain_unwritable("hydra.sweep.dir" if plan else "hydra.run.dir", Path(settings.run.dir), others):
            run_with_hydra()
    except InputError:
        if plan is not None:
            with suppress(OSError):
                write_status(plan.folder, settings.job.num, EXIT_CODE, ExitCode.BAD_INPUT)
        raise


def show_with_hydra() -> None:
    """Print what Hydra tells of itself and the settings: at once, as it goes on where nothing can be printed."""
    text = StringIO()
    try:
        with redirect_stdout(text):
            run_with_hydra()
    finally:  # it may exit
        print_output(text.getvalue().removesuffix("\n"))


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def run_with_hydra(cfg: DictConfig) -> None:
    from mardm_batch.cli import run

    run(cfg)


def run(cfg: DictConfig) -> None:
    """Called by Hydra: a run of the main path, which ends the process with its exit code, or a job of a sweep."""
    from mardm_batch.launch.detached import attach_to_sweep
    from mardm_batch.launch.engines import engine_for, run_label
    from mardm_batch.launch.single_run import run_to_exit_code

    settings = HydraConfig.get()
    if settings.mode == RunMode.MULTIRUN:
        engine_for(settings.runtime.choices["hydra/launcher"]).run_job(cfg, settings)
        return
    folder, plan = Path(settings.runtime.output_dir), current_plan()
    if plan is None:
        sys.exit(run_to_exit_code(cfg, folder, None))
    attach_to_sweep(plan)
    ProgressDisplay.prints_lines = False
    ConsoleHandler.label = run_label(settings.job.num, cfg)
    code = run_to_exit_code(cfg, folder, sweep_name(plan.folder))
    write_status(plan.folder, settings.job.num, EXIT_CODE, code)
    sys.exit(code)


def launch_sweep(arguments: Namespace) -> int:
    """Check every job of a sweep before anything is started, then let the launcher start them; the exit code."""
    from mardm_batch.launch.engines import Sweep
    from mardm_batch.launch.jobs import Job
    from mardm_batch.launch.sweep import run_sweep
    from mardm_batch.run.reading import Reading

    started = datetime.now()
    arguments.overrides = [resolve_now(word, started) for word in arguments.overrides]
    compose_config(drop_sweep_overrides(arguments.overrides), arguments)
    settings = HydraConfig.get()
    processes = settings.launcher.get("n_jobs", 1)  # Hydra's own launcher runs one job after another
    try:
        swept = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items()]
        folder = Path(settings.sweep.dir).resolve()
        parsed = OverridesParser.create().parse_overrides([*swept, *arguments.overrides])
        (words_of_jobs,) = BasicSweeper.split_arguments(parsed, None)
    except HydraException as error:
        raise ConfigurationError(explain_hydra_error(error, arguments.overrides, variants_of("config"))) from None
    reading = Reading()
    jobs = [
        Job(number, [word for word in words if not word.startswith("hydra")], config, reading)
        for number, (words, config) in enumerate(
            zip(words_of_jobs, compose_jobs(words_of_jobs, arguments), strict=True)
        )
    ]
    flags = [f"--{flag.replace('_', '-')}={value}" for flag in CONF_FLAGS if (value := getattr(arguments, flag))]

    def launch(words: Sequence[str]) -> None:
        sys.argv[1:] = [*flags, "--multirun", *arguments.overrides, *words]
        run_with_hydra()

    verbosity = [word for word in arguments.overrides if word.startswith("hydra.verbose=")]
    launcher = settings.runtime.choices["hydra/launcher"]
    return run_sweep(
        Sweep(jobs, str(folder), [*flags, *verbosity], launcher, None if processes < 1 else processes, launch)
    )


def help_text(words: Sequence[str]) -> str:
    """The help, with the settings that these words of the command line give, and the choices of their --config-dir."""
    flags, _ = get_args_parser().parse_known_intermixed_args(list(words))
    overrides = drop_sweep_overrides([word for word in flags.overrides if "=" in word])
    further_folders = [Path(flags.config_dir)] if flags.config_dir else []
    choices = [f"\n{title}\n{two_columns(group_choices(group, further_folders))}" for group, title in GROUPS.items()]
    commands = f"\nOther commands (python -m mardm_batch.NAME --help)\n{two_columns(command_summaries())}"
    settings = f"\nSettings (KEY=VALUE)\n{help_table('config', overrides, flags)}"
    return USAGE + "".join(choices) + commands + settings + FOOTER
