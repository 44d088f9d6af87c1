"""The command line of `python -m mardm_batch`: compose the settings, check them, hand them to the main path."""

import difflib
import logging
import os
import re
import shutil
import sys
import textwrap
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mardm_batch.config import Config, Settings, conf_dir, register_schema
from mardm_batch.console import ConsoleHandler
from mardm_batch.errors import ConfigurationError, InputError, MardmBatchError
from mardm_batch.interruption import Interrupted, interruptible

log = logging.getLogger(__name__)

SOME_FAILED, BAD_CONFIGURATION, INTERRUPTED = 1, 2, 130
MODELS = ("embedded", "mardm_sit_xl", "mardm_ddpm_xl")
PLAN = "MARDM_BATCH_SWEEP"
"""Environment variable by which the sweep's processes know their sweep: a `sweep.Plan` in JSON."""
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

Settings (KEY=VALUE)
"""
FOOTER = """
More: --cfg job prints the resolved settings, --info shows how they are composed, --hydra-help lists Hydra's own flags.
"""


def main() -> None:
    """Console script and `python -m mardm_batch`."""
    register_schema()
    sys.argv[1:] = arguments = [in_hydra_s_words(word) for word in sys.argv[1:]]
    try:
        if "--help" in arguments or "-h" in arguments:
            print(help_text(without_sweeps([word for word in arguments if "=" in word])))
            return
        parsed = get_args_parser().parse_args(arguments)
        looks = parsed.cfg or parsed.info
        if parsed.multirun and not looks:
            sys.exit(launch_sweep(parsed))
        if not (parsed.hydra_help or parsed.shell_completion):
            experiment = next((word for word in parsed.overrides if word.startswith("+experiment=")), None)
            if experiment and not parsed.multirun and not looks and PLAN not in os.environ:
                raise ConfigurationError(f"{experiment}: an experiment is a sweep; add --multirun")
            to_config(compose_config(without_sweeps(parsed.overrides) if parsed.multirun else parsed.overrides, parsed))
            if not looks and HydraConfig.get().mode == RunMode.MULTIRUN:
                raise ConfigurationError("hydra.mode=MULTIRUN: a sweep is started with --multirun")
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not into a traceback that Hydra prints
        run_with_hydra()
    except MardmBatchError as error:
        refuse(error)
    except OSError as error:
        refuse(InputError(f"{error.filename}: {error.strerror}"))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def run_with_hydra(cfg: DictConfig) -> None:
    from mardm_batch.cli import run

    run(cfg)


def run(cfg: DictConfig) -> None:
    """What Hydra runs: a run of the main path, whose exit code is the process's, or a job of a sweep."""
    from mardm_batch.sweep import current_plan, leave_exit_code, supervise, take_part

    job, plan = HydraConfig.get(), current_plan()
    folder = Path(job.runtime.output_dir)
    if job.mode == RunMode.MULTIRUN:
        assert plan is not None
        supervise(plan, job.job.num, list(job.overrides.task), folder)
        return
    logging.raiseExceptions = False  # a log file on a full disk must not bury the one line that says so
    if plan is not None:
        ConsoleHandler.label = take_part(plan, cfg.shard)
    try:
        with interruptible():
            from mardm_batch.generate import generate

            code = generate(to_config(cfg), folder, None if plan is None else plan.name)
    except Interrupted as interruption:
        code = interruption.exit_code
    except MardmBatchError as error:
        log.error("%s", error)
        code = BAD_CONFIGURATION
    except Exception as error:
        log.exception("%s: %s; the log file in %s has the details", type(error).__name__, error, folder)
        code = SOME_FAILED
    leave_exit_code(plan, code)
    sys.exit(code)


def launch_sweep(arguments: Namespace) -> int:
    """Check every job of a sweep before anything is started, then let the launcher start them; the exit code."""
    from mardm_batch.sweep import Job, run_sweep

    started = datetime.now()
    arguments.overrides = [with_time(word, started) for word in arguments.overrides]
    compose_config(without_sweeps(arguments.overrides), arguments)
    settings = HydraConfig.get()
    processes = settings.launcher.get("n_jobs", 1)  # Hydra's own launcher runs one job after another
    try:
        swept = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items()]
        folder = Path(settings.sweep.dir)
        parsed = OverridesParser.create().parse_overrides([*swept, *arguments.overrides])
        (words_of_jobs,) = BasicSweeper.split_arguments(parsed, None)
    except HydraException as error:
        raise ConfigurationError(one_line(error)) from None
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


def without_sweeps(words: Sequence[str]) -> list[str]:
    """The command-line words that hold for every job of a sweep."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(words))
    except HydraException as error:
        raise ConfigurationError(one_line(error)) from None
    return [each.input_line or "" for each in parsed if not each.is_sweep_override()]


def in_hydra_s_words(word: str) -> str:
    """A command-line word whose value Hydra's grammar does not know, such as `#1a74b8` or `müller`, put in quotes."""
    setting = re.fullmatch(r"([+~\w.]+=)(.+)", word, re.DOTALL)
    if setting is None or read_by_hydra(word):
        return word
    in_quotes = setting[1] + quoted(setting[2])
    return in_quotes if read_by_hydra(in_quotes) else word


def with_time(word: str, time: datetime) -> str:
    """A command-line word with that time in the place of `${now:…}`, which would be another in every job of a sweep."""
    return in_hydra_s_words(re.sub(r"\$\{now:([^}]*)\}", lambda match: time.strftime(match[1]), word))


def read_by_hydra(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def quoted(text: str) -> str:
    """A string as Hydra's command line takes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def refuse(error: MardmBatchError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(BAD_CONFIGURATION)


def to_config(cfg: DictConfig) -> Config:
    """Resolve, convert to dataclasses and check every range.

    Raises:
        ConfigurationError: one line that names the key, the value and what is allowed.
    """
    try:
        config = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise ConfigurationError(one_line(error)) from None
    assert isinstance(config, Config)
    refuse_other_keys(config, cfg)
    return config


def refuse_other_keys(settings: Settings, cfg: DictConfig) -> None:
    """Hydra's `+key=value` adds and `~key` removes any key: one too many or too few is a mistake."""
    for each in fields(settings):
        if each.name not in cfg:
            raise ConfigurationError(f"{settings.key(each.name)}: this setting cannot be removed")
    for key in cfg:
        if str(key) not in {each.name for each in fields(settings)}:
            raise ConfigurationError(unknown_key(settings.key(str(key))))
        value = getattr(settings, str(key))
        if isinstance(value, Settings):
            refuse_other_keys(value, cfg[key])


def settings_with(*overrides: str) -> list[str]:
    """The names of all settings."""
    return [name for name, _, _ in help_rows(Config, compose_config(overrides))]


def unknown_key(key: str) -> str:
    of_models = {model: settings_with(f"model={model}") for model in MODELS}
    for model, known in of_models.items():
        if key in known:
            return f"{key}: a setting of model={model}, not of the model asked for"
    known = of_models[MODELS[0]]
    near = difflib.get_close_matches(key, known, n=1)
    return f"{key}: no such setting" + (f"; did you mean {near[0]}?" if near else "; --help lists all")


def compose_config(overrides: Sequence[str], flags: Namespace | None = None, number: int = 0) -> DictConfig:
    """The settings that these command-line words give, composed from the files in `conf/`.

    Hydra's own settings, which the others may refer to as `${hydra:...}`, are `HydraConfig.get()` from then on.

    Args:
        flags: parsed flags, of which --config-dir, --config-path and --config-name count.
        number: of the job in a sweep.

    Raises:
        ConfigurationError: a key is mistyped, a choice is unknown or a value has the wrong type.
    """
    folder, name, words = str(conf_dir()), "config", [in_hydra_s_words(word) for word in overrides]
    if flags is not None:
        folder, name = flags.config_path or folder, flags.config_name or name
        words += [f"hydra.searchpath=[file://{Path(flags.config_dir).resolve()}]"] if flags.config_dir else []
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(Path(folder).resolve())):
            cfg = compose(name, words, return_hydra_config=True)
    except ValueError as error:  # a config group that is given no name: `model=null`
        raise ConfigurationError(f"{' '.join(overrides)}: {one_line(error)}") from None
    except (HydraException, OmegaConfBaseException) as error:
        mistyped = re.match(r"Could not override '([^']+)'.*\n?.*append to your (config|default list)", str(error))
        if mistyped and mistyped[2] != "config":
            word = next((word for word in overrides if word.startswith(f"{mistyped[1]}=")), mistyped[1])
            raise ConfigurationError(f"{word}: write it with a plus, +{word}") from None
        raise ConfigurationError(unknown_key(mistyped[1]) if mistyped else one_line(error)) from None
    with read_write(cfg), open_dict(cfg):
        cfg.hydra.job.num = number
        HydraConfig.instance().set_config(cfg)
        del cfg["hydra"]
    return cfg


def one_line(error: Exception) -> str:
    """Hydra's and OmegaConf's messages in one line: with the cause where it says more, without the search path."""
    text = f"{error}\n{error.__cause__ or ''}".partition("Config search path")[0]
    key = re.search(r"full_key: (\S+)", text)
    text = f"{key[1]}: {text}" if key and key[1] not in text.partition("\n")[0] else text
    text = re.sub(r"(full_key|object_type|reference_type)[:=].*", "", text)
    text = re.sub(r":\n\t", ": ", text).replace("\n\t", ", ")
    return ". ".join(dict.fromkeys(line.strip().rstrip(".") for line in text.splitlines() if line.strip()))


def help_text(overrides: list[str]) -> str:
    rows = [(f"  {key}={value}", words) for key, value, words in help_rows(Config, compose_config(overrides))]
    indent = max(len(setting) for setting, _ in rows) + 2
    width = max(80, min(130, shutil.get_terminal_size().columns)) - indent
    lines = [
        f"{setting if first else '':<{indent}}{line}"
        for setting, words in rows
        for first, line in zip((True, *[False] * 9), textwrap.wrap(words, width), strict=False)
    ]
    return USAGE + "\n".join(lines) + "\n" + FOOTER


def help_rows(settings: type[Settings], cfg: DictConfig) -> list[tuple[str, str, str]]:
    """Key, value and help of every setting, sections opened."""
    rows = []
    for each in fields(settings):
        node = cfg._get_node(each.name)
        if isinstance(node, DictConfig):
            kind = OmegaConf.get_type(node)
            assert kind is not None
            rows += help_rows(kind, node)
            continue
        value: Any = cfg[each.name]
        prefix = f"{settings.SECTION}." if settings.SECTION else ""
        allowed = each.metadata["allowed"]
        words = each.metadata["help"] + (f" ({allowed.words})" if allowed is not None else "")
        rows.append((prefix + each.name, "null" if value is None else str(value), words))
    return rows
