"""Words of the command line, as Hydra's grammar needs them."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mardm_batch.errors import ConfigurationError


def parse_flags(parser: ArgumentParser, arguments: Sequence[str]) -> tuple[Namespace, list[str]]:
    """Hydra's flags, wherever they stand, and the same words as Hydra takes them: the flags first.

    Raises:
        ConfigurationError: a word begins with a dash and is none of its flags.
    """
    parsed, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        name, _, value = unknown[0].lstrip("-").partition("=")
        setting = f"{'+' if name in ('preset', 'experiment') else ''}{name}={value or 'VALUE'}"
        raise ConfigurationError(f"{unknown[0]}: no such flag; a setting is written without dashes, {setting}")
    flags = list(arguments)
    for word in parsed.overrides:
        flags.remove(word)
    return parsed, [*flags, *parsed.overrides]


def quote_override(word: str) -> str:
    """A command-line word, its value in quotes where Hydra's grammar does not know that, such as `#1a74b8`, or takes it
    for a number that is written otherwise, such as `2026_11_25`."""
    setting = re.fullmatch(r"([+~\w.]+=)(.+)", word, re.DOTALL)
    if setting is None or survives_hydra_parsing(word, setting[2]):
        return word
    in_quotes = setting[1] + quoted(setting[2])
    return in_quotes if parse_override(in_quotes) is not None else word


def resolve_now(word: str, time: datetime) -> str:
    """A command-line word with that time in the place of `${now:…}`, which would be another in every job of a sweep."""
    return quote_override(re.sub(r"\$\{now:([^}]*)\}", lambda match: time.strftime(match[1]), word))


def survives_hydra_parsing(word: str, value: str) -> bool:
    """Whether Hydra reads this word, and a number in it as it is written."""
    override = parse_override(word)
    if override is None or override.is_sweep_override():
        return override is not None
    return type(override.value()) not in (int, float) or str(override.value()) == value


def parse_override(word: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def quoted(text: str) -> str:
    """A string as Hydra's command line takes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
