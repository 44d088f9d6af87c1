"""The words of a command line in the form that Hydra's grammar needs."""

import difflib
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mardm_batch.errors import ConfigurationError


def parse_flags(parser: ArgumentParser, arguments: Sequence[str]) -> tuple[Namespace, list[str]]:
    """Hydra's flags, wherever they are among the arguments, and the arguments in Hydra's order: flags first.

    Raises:
        ConfigurationError: a word begins with a dash and is none of its flags.
    """
    parser.allow_abbrev = False
    parsed, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        name, _, value = unknown[0].lstrip("-").partition("=")
        flags = [flag for action in parser._actions for flag in action.option_strings] + ["--version", "--verbose"]
        if near := difflib.get_close_matches(unknown[0], flags, n=1, cutoff=0.75):
            raise ConfigurationError(f"{unknown[0]}: no such flag; did you mean {near[0]}?")
        setting = f"{'+' if name in ('preset', 'experiment') else ''}{name}={value or 'VALUE'}"
        raise ConfigurationError(f"{unknown[0]}: no such flag; a setting is written without dashes, {setting}")
    flags = list(arguments)
    for word in parsed.overrides:
        flags.remove(word)
    return parsed, [*flags, *parsed.overrides]


def quote_override(word: str) -> str:
    """An override with its value in quotes where Hydra's grammar needs that: values that it cannot parse, such as
    `#1a74b8`, and those that it would read as another number, such as `2026_11_25`."""
    setting = re.fullmatch(r"([+~\w.]+=)(.+)", word, re.DOTALL)
    if setting is None or survives_hydra_parsing(word, setting[2]):
        return word
    in_quotes = setting[1] + quoted(setting[2])
    return in_quotes if parse_override(in_quotes) is not None else word


def resolve_now(word: str, time: datetime) -> str:
    """An override with a time in place of `${now:…}`, which each job of a sweep would resolve to another."""
    return quote_override(re.sub(r"\$\{now:([^}]*)\}", lambda match: time.strftime(match[1]), word))


def survives_hydra_parsing(word: str, value: str) -> bool:
    """Whether Hydra parses an override, and a number in it to the same text."""
    override = parse_override(word)
    if override is None or override.is_sweep_override():
        return override is not None
    return type(override.value()) not in (int, float) or str(override.value()) == value


def parse_override(word: str) -> Override | None:
    """Hydra's reading of an override; None where it has none."""
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def quoted(text: str) -> str:
    """A string as a quoted value of Hydra's grammar."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
