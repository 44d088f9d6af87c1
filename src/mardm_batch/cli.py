"""The command line of `python -m mardm_batch`: compose the settings, check them, hand them to the main path."""

import difflib
import itertools
import logging
import re
import shutil
import sys
import textwrap
from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mardm_batch.config import Config, Settings, conf_dir, register_schema
from mardm_batch.console import ConsoleHandler
from mardm_batch.errors import ConfigurationError, MardmBatchError

BAD_CONFIGURATION = 2
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

Settings (KEY=VALUE)
"""
FOOTER = """
More: --cfg job prints the resolved settings, --info shows how they are composed, --hydra-help lists Hydra's own flags.
"""


def main() -> None:
    """Console script and `python -m mardm_batch`."""
    register_schema()
    arguments = sys.argv[1:]
    try:
        if "--help" in arguments or "-h" in arguments:
            print(help_text([word for word in arguments if "=" in word]))
            return
        check(get_args_parser().parse_args(arguments))
    except ConfigurationError as error:
        refuse(error)
    sys.argv[1:] = arguments
    run_with_hydra()


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def run_with_hydra(cfg: DictConfig) -> None:
    from mardm_batch.cli import run

    run(cfg)


def run(cfg: DictConfig) -> None:
    """One run of the main path: ends the process with its exit code, or, as a job of a sweep, raises if it is not 0."""
    job = HydraConfig.get()
    logging.raiseExceptions = False  # a log file on a full disk must not bury the one line that says so
    sweep = job.mode == RunMode.MULTIRUN
    if sweep:
        ConsoleHandler.label = f"shard {cfg.shard}: "
    try:
        config = to_config(cfg)
        from mardm_batch.generate import generate

        run_folder = Path(job.runtime.output_dir)
        code = generate(config, run_folder, run_folder.parent.name if sweep else None)
    except MardmBatchError as error:
        logging.getLogger(__name__).error("%s", error)
        code = BAD_CONFIGURATION
    if not sweep:
        sys.exit(code)
    if code:
        raise RuntimeError(f"shard {cfg.shard} ended with exit code {code}")


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


def unknown_key(key: str) -> str:
    known = [name for name, _, _ in help_rows(Config, compose_config([]))]
    near = difflib.get_close_matches(key, known, n=1)
    return f"{key}: no such setting" + (f"; did you mean {near[0]}?" if near else "; --help lists all")


def compose_config(overrides: list[str]) -> DictConfig:
    """The settings that these command-line words give, composed from the files in `conf/`.

    Raises:
        ConfigurationError: a key is mistyped, a choice is unknown or a value has the wrong type.
    """
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
            return compose("config", overrides)
    except (HydraException, OmegaConfBaseException) as error:
        mistyped = re.match(r"Could not override '([^']+)'.*\n?.*append to your config", str(error))
        raise ConfigurationError(unknown_key(mistyped[1]) if mistyped else one_line(error)) from None


def check(arguments: Namespace) -> None:
    """Find mistakes in the settings of every job before anything is started or written.

    Hydra's own files and folders given by --config-dir and the like are checked when the run starts.
    """
    shows_only = arguments.cfg or arguments.info or arguments.hydra_help or arguments.shell_completion
    if shows_only or arguments.config_dir or arguments.config_path or arguments.config_name:
        return
    try:
        parsed = OverridesParser.create().parse_overrides(arguments.overrides)
    except HydraException as error:
        raise ConfigurationError(one_line(error)) from None
    choices = [
        [f"{each.get_key_element()}={value}" for value in each.sweep_string_iterator()]
        if arguments.multirun and each.is_sweep_override()
        else [each.input_line]
        for each in parsed
    ]
    for job in itertools.product(*choices):
        to_config(compose_config([word for word in job if word is not None]))


def one_line(error: Exception) -> str:
    """Hydra's and OmegaConf's messages in one line: with the cause where it says more, without the search path."""
    text = f"{error}\n{error.__cause__ or ''}".partition("Config search path")[0]
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
