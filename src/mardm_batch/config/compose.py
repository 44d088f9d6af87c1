"""Command-line overrides to checked settings: Hydra composes them from the files in `conf/`, a mistake is one line."""

import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from mardm_batch.config.groups import group_choices
from mardm_batch.config.messages import Variants, explain_hydra_error, explain_no_setting, explain_unknown_key, one_line
from mardm_batch.config.overrides import quote_override
from mardm_batch.config.rows import SettingRow, rows_of
from mardm_batch.config.schema import Config, Settings, conf_dir
from mardm_batch.errors import ConfigurationError

SettingsClass = TypeVar("SettingsClass", bound=Settings)
SHARD: Final = re.compile(r"shard=\d{1,9}")


def compose_config(
    overrides: Sequence[str], flags: Namespace | None = None, number: int = 0, name: str = "config"
) -> DictConfig:
    """The settings that the overrides of a command line give.

    Hydra's own settings, to which others may refer as `${hydra:...}`, are `HydraConfig.get()` from then on.

    Args:
        flags: parsed Hydra flags, of which --config-dir, --config-path and --config-name count.
        number: of the job in a sweep.
        name: of the file in `conf/` that the settings start from: config or train.

    Raises:
        ConfigurationError: a key is mistyped, a choice is unknown or a value has the wrong type.
    """
    folder, file, words = str(conf_dir()), name, [quote_override(word) for word in overrides]
    further_folders = [Path(flags.config_dir).resolve()] if flags is not None and flags.config_dir else []
    if flags is not None:
        folder, file = flags.config_path or folder, flags.config_name or name
        words += [f"hydra.searchpath=[file://{each}]" for each in further_folders]
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(Path(folder).resolve())):
            cfg = compose(file, words, return_hydra_config=True)
    except ValueError as error:  # a config group without a choice: `model=null`
        raise ConfigurationError(explain_no_setting(overrides) or f"{' '.join(overrides)}: {one_line(error)}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{mark.name}:{mark.line + 1}: " if mark else ""
        raise ConfigurationError(f"{where}not valid YAML ({error.problem})") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(explain_hydra_error(error, overrides, variants_of(name), further_folders)) from None
    with read_write(cfg), open_dict(cfg):
        cfg.hydra.job.num = number
        HydraConfig.instance().set_config(cfg)
        del cfg["hydra"]
    return cfg


def compose_jobs(jobs: Sequence[Sequence[str]], flags: Namespace | None = None) -> Iterator[Config]:
    """The checked settings of the jobs of a sweep, whose overrides are given.

    Composing takes a tenth of a second: jobs that differ in their shards alone are composed once, unless a setting
    refers to Hydra's own, as to the number of the job.

    Raises:
        ConfigurationError: as `compose_config` and `to_config`.
    """
    cfg = DictConfig({})
    common: Sequence[str] | None = None
    for number, words in enumerate(jobs):
        shards = [word for word in words if SHARD.fullmatch(word)]
        others = [word for word in words if word not in shards]
        if common == others and len(shards) == 1:
            cfg.shard = int(shards[0].partition("=")[2])
        else:
            cfg = compose_config(words, flags, number)
            alone = len(shards) == 1 and not any(word.lstrip("+~").startswith("shard") for word in others)
            common = others if alone and "${hydra:" not in OmegaConf.to_yaml(cfg) else None
        yield to_config(cfg)


def to_config(cfg: DictConfig) -> Config:
    """The settings of a run. Raises ConfigurationError as `to_settings` does."""
    return to_settings(cfg, Config, "config")


def to_settings(cfg: DictConfig, settings_class: type[SettingsClass], name: str) -> SettingsClass:
    """Resolve, convert to dataclasses and check every range; `name` is that of the file in `conf/`.

    Raises:
        ConfigurationError: one line that names the key, the value and the allowed values.
    """
    try:
        settings = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise ConfigurationError(one_line(error)) from None
    if not isinstance(settings, settings_class):
        raise ConfigurationError("the file of --config-name lacks `defaults: [schema, _self_]`; see conf/config.yaml")
    check_keys(settings, cfg, name)
    return settings


def check_keys(settings: Settings, cfg: DictConfig, name: str) -> None:
    """Refuse keys that Hydra's `+key=value` added and `~key` removed.

    Raises:
        ConfigurationError: there is one.
    """
    for each in fields(settings):
        if each.name not in cfg:
            raise ConfigurationError(f"{settings.key(each.name)}: this setting cannot be removed")
    for key in map(str, cfg):
        if key not in {each.name for each in fields(settings)}:
            raise ConfigurationError(explain_unknown_key(settings.key(key), variants_of(name)))
        value = getattr(settings, key)
        if isinstance(value, dict):
            choice = HydraConfig.get().runtime.choices.get(key)
            raise ConfigurationError(f"{key}={choice}: its file lacks `defaults:`, the settings that it starts from")
        if isinstance(value, Settings):
            check_keys(value, cfg[key], name)


def setting_rows(name: str, overrides: Sequence[str], flags: Namespace | None = None) -> list[SettingRow]:
    """The settings of a file of `conf/`, config or train, with their values under these overrides."""
    return rows_of(compose_config(overrides, flags, name=name))


def variants_of(name: str) -> Variants:
    """The settings that a file of `conf/` can have, by the override that selects them; the default model first."""
    if name != "config":
        return {"": setting_rows(name, [])}
    choices = sorted(group_choices("model"), key=lambda model: model != "embedded")
    return {f"model={model}": setting_rows(name, [f"model={model}"]) for model in choices}


def drop_sweep_overrides(words: Sequence[str]) -> list[str]:
    """The overrides that hold for every job of a sweep: those without several values.

    Raises:
        ConfigurationError: one cannot be parsed.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(words))
    except HydraException as error:
        raise ConfigurationError(explain_hydra_error(error, words, variants_of("config"))) from None
    return [each.input_line or "" for each in parsed if not each.is_sweep_override()]
