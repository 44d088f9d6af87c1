"""Command-line words to checked settings: Hydra composes them from the files in `conf/`, every mistake is one line."""

import difflib
import re
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mardm_batch.config.messages import one_line
from mardm_batch.config.overrides import quote_override
from mardm_batch.config.schema import Config, Settings, conf_dir
from mardm_batch.errors import ConfigurationError

Kind = TypeVar("Kind", bound=Settings)


def compose_config(
    overrides: Sequence[str], flags: Namespace | None = None, number: int = 0, name: str = "config"
) -> DictConfig:
    """The settings that these command-line words give.

    Hydra's own settings, which the others may refer to as `${hydra:...}`, are `HydraConfig.get()` from then on.

    Args:
        flags: parsed flags, of which --config-dir, --config-path and --config-name count.
        number: of the job in a sweep.
        name: of the file in `conf/` that they start from.

    Raises:
        ConfigurationError: a key is mistyped, a choice is unknown or a value has the wrong type.
    """
    folder, file, words = str(conf_dir()), name, [quote_override(word) for word in overrides]
    if flags is not None:
        folder, file = flags.config_path or folder, flags.config_name or name
        words += [f"hydra.searchpath=[file://{Path(flags.config_dir).resolve()}]"] if flags.config_dir else []
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(Path(folder).resolve())):
            cfg = compose(file, words, return_hydra_config=True)
    except ValueError as error:  # a config group that is given no name: `model=null`
        raise ConfigurationError(f"{' '.join(overrides)}: {one_line(error)}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(explain_hydra_error(error, overrides, name)) from None
    with read_write(cfg), open_dict(cfg):
        cfg.hydra.job.num = number
        HydraConfig.instance().set_config(cfg)
        del cfg["hydra"]
    return cfg


def to_config(cfg: DictConfig) -> Config:
    """The settings of a run. Raises ConfigurationError as `to_settings`."""
    return to_settings(cfg, Config, "config")


def to_settings(cfg: DictConfig, kind: type[Kind], name: str) -> Kind:
    """Resolve, convert to dataclasses and check every range; `name` is that of the file in `conf/`.

    Raises:
        ConfigurationError: one line that names the key, the value and what is allowed.
    """
    try:
        settings = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise ConfigurationError(one_line(error)) from None
    if not isinstance(settings, kind):
        raise ConfigurationError("the file of --config-name lacks `defaults: [schema, _self_]`; see conf/config.yaml")
    check_keys(settings, cfg, name)
    return settings


def check_keys(settings: Settings, cfg: DictConfig, name: str) -> None:
    """Hydra's `+key=value` adds and `~key` removes any key: one too many or too few is a mistake."""
    for each in fields(settings):
        if each.name not in cfg:
            raise ConfigurationError(f"{settings.key(each.name)}: this setting cannot be removed")
    for key in cfg:
        if str(key) not in {each.name for each in fields(settings)}:
            raise ConfigurationError(unknown_key(settings.key(str(key)), name))
        value = getattr(settings, str(key))
        if isinstance(value, Settings):
            check_keys(value, cfg[key], name)


@dataclass(frozen=True)
class SettingRow:
    """One setting as `--help` shows it. `allowed`, "" where all of a type is, and `type` complete "must be …"."""

    key: str
    value: str
    help: str
    allowed: str
    type: str


def setting_rows(name: str, overrides: Sequence[str]) -> list[SettingRow]:
    """The settings of a file of `conf/`, sections opened."""
    cfg = compose_config(overrides, name=name)
    kind = OmegaConf.get_type(cfg)
    assert kind is not None
    return _rows(kind, cfg)


def _rows(settings: type[Settings], cfg: DictConfig) -> list[SettingRow]:
    rows = []
    for each in fields(settings):
        node = cfg._get_node(each.name)
        if isinstance(node, DictConfig):
            kind = OmegaConf.get_type(node)
            assert kind is not None
            rows += _rows(kind, node)
            continue
        value, allowed = cfg[each.name], each.metadata["allowed"]
        rows.append(
            SettingRow(
                key=f"{settings.SECTION}.{each.name}" if settings.SECTION else each.name,
                value=_in_yaml(value),
                help=each.metadata["help"],
                allowed="" if allowed is None else allowed.words,
                type="true or false" if each.type is bool else "text",
            )
        )
    return rows


def _in_yaml(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def drop_sweep_overrides(words: Sequence[str]) -> list[str]:
    """The command-line words that hold for every job of a sweep."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(words))
    except HydraException as error:
        raise ConfigurationError(explain_hydra_error(error, words, "config")) from None
    return [each.input_line or "" for each in parsed if not each.is_sweep_override()]


VARIANTS: Final = {
    "config": (["model=embedded"], ["model=mardm_sit_xl"], ["model=mardm_ddpm_xl"]),
    "train": ([],),
}
"""Of each file in `conf/` that a command starts from, the words with which it has other settings."""


def explain_hydra_error(error: Exception, overrides: Sequence[str], name: str) -> str:
    """What is wrong with the words that a file of `conf/` was to be composed with."""
    text = str(error)
    if mistyped := re.match(r"Could not override '([^']+)'.*\n?.*append to your (config|default list)", text):
        if mistyped[2] == "config":
            return unknown_key(mistyped[1], name)
        word = next((word for word in overrides if word.startswith(f"{mistyped[1]}=")), mistyped[1])
        return f"{word}: write it with a plus, +{word}"
    if no_value := re.match(r"Error parsing override '(.*)'\s*missing EQUAL", text):
        return f"{no_value[1]}: a setting is written KEY=VALUE; --help lists them all"
    if wrong_type := re.search(r"Error merging override \+*([\w.]+)=(.*)", text):
        key, value = wrong_type.groups()
        for words in VARIANTS[name]:
            for row in setting_rows(name, words):
                if row.key == key:
                    return f"{key}={value}: must be {row.allowed or row.type}"
                if row.key.startswith(f"{key}."):
                    return f"{key}={value}: a group of settings; set them one by one, such as {row.key}={row.value}"
    return one_line(error)


def unknown_key(key: str, name: str) -> str:
    """What there is to say of a key that a file of `conf/` does not have."""
    known = [[row.key for row in setting_rows(name, words)] for words in VARIANTS[name]]
    for words, keys in zip(VARIANTS[name], known, strict=True):
        if key in keys:
            return f"{key}: a setting of {' '.join(words)}, not of the model asked for (over several models: ++{key}=…)"
    near = difflib.get_close_matches(key, known[0], n=1)
    return f"{key}: no such setting" + (f"; did you mean {near[0]}?" if near else "; --help lists all")
