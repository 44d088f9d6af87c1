"""The settings that runs saved in their folders when they started, read with care: they may have been tampered with."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.registry import enabled_formats
from mardm_batch.errors import first_line
from mardm_batch.prompts.names import NAME_SOURCES
from mardm_batch.prompts.prompt_list import bundled_prompts
from mardm_batch.sampling.models.embedded import PACKAGED
from mardm_batch.system.files import read_regular
from mardm_batch.system.json_records import MAX_DEPTH

MAX_SETTINGS_BYTES: Final = 2**18
MAX_INTERPOLATIONS: Final = 20
MAX_POSES_PER_CAPTION: Final = 1000
EMBEDDED: Final = "embedded"
"""Name of the embedded model in the settings."""


@dataclass(frozen=True)
class RunSettings:
    """The settings that a run saved when it started, as far as other commands need them. `prompts`: the file."""

    prompts: Path
    limit: int | None
    formats: tuple[Format, ...]
    column: str | None = None
    names: str = "caption"
    poses_per_caption: int = 1
    list_rejected: bool = True


def read_run_settings(run_folder: Path) -> RunSettings:
    """The settings that Hydra saved in a run's folder.

    Raises:
        ValueError: they are missing, or none of a run; one line.
    """
    config, hydra = (read_yaml(run_folder / ".hydra" / name) for name in ("config.yaml", "hydra.yaml"))
    prompts, limit = select(config, "paths.prompts"), select(config, "limit")
    started_in = select(hydra, "hydra.runtime.cwd")
    if not (prompts is None or isinstance(prompts, str)) or not isinstance(started_in, str):
        raise ValueError("paths.prompts and hydra.runtime.cwd should be paths")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError("limit should be null or at least 1")
    try:
        file = bundled_prompts() if prompts is None else Path(started_in, Path(prompts).expanduser())
        formats = enabled_formats(partial(select, config, optional=True))
    except RuntimeError as error:  # the home of an unknown user
        raise ValueError(f"paths.prompts: {error}") from None
    column, names = (select(config, f"prompts.{key}", optional=True) for key in ("column", "names"))
    if not (column is None or isinstance(column, str)) or names not in (None, *NAME_SOURCES):
        raise ValueError("prompts.column and prompts.names should be text")
    poses = select(config, "poses_per_caption", optional=True)
    if poses is not None and (type(poses) is not int or not 1 <= poses <= MAX_POSES_PER_CAPTION):
        raise ValueError(f"poses_per_caption should be a whole number from 1 to {MAX_POSES_PER_CAPTION}")
    list_rejected = select(config, "output.list_rejected", optional=True) is not False
    return RunSettings(file, limit, formats, column, names or "caption", poses or 1, list_rejected)


def read_command(run_folder: Path, leave_out: Sequence[str]) -> tuple[str, str]:
    """The command that started a run, without the settings of these keys and Hydra's own, and the folder it was in.

    Raises:
        ValueError: they are missing, or none of a run; one line.
    """
    words, hydra = (read_yaml(run_folder / ".hydra" / name) for name in ("overrides.yaml", "hydra.yaml"))
    started_in = select(hydra, "hydra.runtime.cwd")
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise ValueError("the words of the command line should be a list of text")
    if not isinstance(started_in, str):
        raise ValueError("hydra.runtime.cwd should be a path")
    kept = [word for word in words if not word.startswith(("hydra.", "hydra/", *(f"{key}=" for key in leave_out)))]
    return shlex.join(["python", "-m", "mardm_batch", *kept]), started_in


def read_output(run_folder: Path) -> Path:
    """The folder that a run wrote its poses to. Raises ValueError, as `read_command` does."""
    config, hydra = (read_yaml(run_folder / ".hydra" / name) for name in ("config.yaml", "hydra.yaml"))
    output, started_in = select(config, "paths.output"), select(hydra, "hydra.runtime.cwd")
    if not isinstance(output, str) or not isinstance(started_in, str):
        raise ValueError("paths.output and hydra.runtime.cwd should be paths")
    try:
        return Path(started_in, Path(output).expanduser())
    except RuntimeError as error:  # the home of an unknown user
        raise ValueError(f"paths.output: {error}") from None


def read_embedded_model(run_folder: Path) -> tuple[Path, bool] | None:
    """The file of the embedded model that a run used, and whether it rewrote captions; None where it used another.

    Raises:
        ValueError: as `read_command`.
    """
    config, hydra = (read_yaml(run_folder / ".hydra" / name) for name in ("config.yaml", "hydra.yaml"))
    if select(config, "model.name") != EMBEDDED:
        return None
    weights, started_in = select(config, "model.weights"), select(hydra, "hydra.runtime.cwd")
    if not (weights is None or isinstance(weights, str)) or not isinstance(started_in, str):
        raise ValueError("model.weights and hydra.runtime.cwd should be paths")
    try:
        file = PACKAGED if weights is None else Path(started_in, Path(weights).expanduser())
    except RuntimeError as error:  # the home of an unknown user
        raise ValueError(f"model.weights: {error}") from None
    return file, select(config, "model.rewriting", optional=True) is not False


def read_yaml(path: Path) -> Any:
    """The settings in a file. Its aliases are refused: they can stand for more than any memory holds, and Hydra writes
    none. Raises ValueError."""
    try:
        text = read_regular(path, MAX_SETTINGS_BYTES).decode()
        check_tokens(path, text)
        return yaml.safe_load(text)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path}: no YAML: {first_line(error)}") from None


def check_tokens(path: Path, text: str) -> None:
    """Raises ValueError for YAML that has aliases, or is nested so deeply that it takes forever to read."""
    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            raise ValueError(f"{path}: has aliases")
        depth += type(token).__name__.endswith("StartToken") - type(token).__name__.endswith("EndToken")
        if depth > MAX_DEPTH:
            raise ValueError(f"{path}: nested too deeply")


def select(settings: Any, key: str, optional: bool = False) -> Any:
    """The value at a dotted key, with plain interpolations in it resolved.

    An interpolation may name an environment variable or another key whose value has none, so that it ends.

    Raises:
        ValueError: the key is missing and not optional, or its value cannot be resolved.
    """
    try:
        value = raw_value(settings, key)
    except ValueError:
        if optional:
            return None
        raise
    if not isinstance(value, str) or "${" not in value:
        return value
    keys = [each for each in re.findall(r"\$\{([^{}]*)\}", value) if not each.startswith("oc.env:")]
    parts = {each: raw_value(settings, each) for each in keys}
    if value.count("${") > MAX_INTERPOLATIONS or any("${" in str(each) for each in parts.values()):
        raise ValueError(f"{key}={value}: cannot be resolved")
    try:
        known = OmegaConf.create()
        for each, part in {**parts, key: value}.items():
            OmegaConf.update(known, each, part)
        return OmegaConf.select(known, key)
    except (OmegaConfBaseException, RecursionError, ValueError) as error:
        raise ValueError(f"{key}={value}: {first_line(error)}") from None


def raw_value(settings: Any, key: str) -> Any:
    """The value at a dotted key as it is written. Raises ValueError."""
    for part in key.split("."):
        if not isinstance(settings, dict) or part not in settings:
            raise ValueError(f"the key {key} is missing")
        settings = settings[part]
    return settings
