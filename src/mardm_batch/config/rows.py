"""Settings as rows: key, value, help and allowed values, for `--help`, the reference and messages."""

from dataclasses import dataclass, fields

from omegaconf import DictConfig, OmegaConf

from mardm_batch.config.schema import Settings, or_null


@dataclass(frozen=True)
class SettingRow:
    """One setting. `allowed` ("" where every value of the type is) and `type` complete the sentence "must be …"."""

    key: str
    value: str
    help: str
    allowed: str
    type: str
    must_be: str
    """The same with null where it is allowed too."""


def rows_of(cfg: DictConfig) -> list[SettingRow]:
    """The settings of a composed configuration with its sections expanded, in the order of the settings classes."""
    settings = OmegaConf.get_type(cfg)
    assert settings is not None
    assert issubclass(settings, Settings)
    rows = []
    for each in fields(settings):
        node = cfg._get_node(each.name)
        if isinstance(node, DictConfig):
            rows += rows_of(node)
            continue
        allowed = each.metadata["allowed"]
        words, kind = "" if allowed is None else allowed.words, "true or false" if each.type is bool else "text"
        rows.append(
            SettingRow(
                key=f"{settings.SECTION}.{each.name}" if settings.SECTION else each.name,
                value=in_yaml(cfg[each.name]),
                help=each.metadata["help"],
                allowed=words,
                type=kind,
                must_be=or_null(words or kind, each.type),
            )
        )
    return rows


def in_yaml(value: object) -> str:
    """A value as a YAML file has it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
