"""Hydra's and OmegaConf's messages about a mistake, as one line that names key, value and what is allowed."""

import difflib
import re
from collections.abc import Mapping, Sequence

from mardm_batch.config.rows import SettingRow

Variants = Mapping[str, Sequence[SettingRow]]
"""The settings that a command can have, by the override that selects them: `model=NAME`, or "" where none does."""


def explain_hydra_error(error: Exception, overrides: Sequence[str], variants: Variants) -> str:
    """The message about an error that Hydra raised while it composed these overrides."""
    text = str(error)
    if mistyped := re.match(r"Could not override '([^']+)'.*\n?.*append to your (config|default list)", text):
        if mistyped[2] == "config":
            return explain_unknown_key(mistyped[1], variants)
        word = next((word for word in overrides if word.startswith(f"{mistyped[1]}=")), mistyped[1])
        return f"{word}: write it with a plus, +{word}"
    if no_value := re.match(r"Error parsing override '(.*)'\s*missing EQUAL", text):
        return f"{no_value[1]}: a setting is written KEY=VALUE; --help lists them all"
    if wrong_type := re.search(r"Error merging override \+*([\w.]+)=(.*)", text):
        key, value = wrong_type.groups()
        for row in (row for rows in variants.values() for row in rows):
            if row.key == key:
                return f"{key}={value}: must be {row.allowed or row.type}"
            if row.key.startswith(f"{key}."):
                return f"{key}={value}: a group of settings; set them one by one, such as {row.key}={row.value}"
    return one_line(error)


def explain_unknown_key(key: str, variants: Variants) -> str:
    """The message about a key that the composed configuration does not have."""
    choices = [choice for choice, rows in variants.items() if key in [row.key for row in rows]]
    if choices:
        return f"{key}: a setting of {', '.join(choices)}, not of the selected model (to sweep over several: ++{key}=…)"
    known = [row.key for row in next(iter(variants.values()))]
    near = difflib.get_close_matches(key, known, n=1)
    return f"{key}: no such setting" + (f"; did you mean {near[0]}?" if near else "; --help lists all")


def one_line(error: Exception) -> str:
    """Hydra's and OmegaConf's messages in one line: with the cause where it says more, without the search path."""
    text = f"{error}\n{error.__cause__ or ''}".partition("Config search path")[0]
    key = re.search(r"full_key: (\S+)", text)
    text = f"{key[1]}: {text}" if key and key[1] not in text.partition("\n")[0] else text
    text = re.sub(r"(full_key|object_type|reference_type)[:=].*", "", text)
    text = re.sub(r":\n\t", ": ", text).replace("\n\t", ", ")
    return ". ".join(dict.fromkeys(line.strip().rstrip(".") for line in text.splitlines() if line.strip()))
