"""Hydra's and OmegaConf's messages about a mistake, as one line that names key, value and allowed values."""

import difflib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mardm_batch.config.groups import group_choices
from mardm_batch.config.overrides import quoted
from mardm_batch.config.rows import SettingRow

Variants = Mapping[str, Sequence[SettingRow]]
"""The settings that a command can have, by the override that selects them: `model=NAME`, or "" where none does."""
KINDS: Final = {"render": "look", "hydra/launcher": "launcher"}
"""What the choices of a config group are called, where it is not the group's name."""

OVERRIDE: Final = r"(\+{0,2}[\w./@:$-]+=|~[\w./@:$-]+(=|$))"
"""How the word of an override begins."""
PLUS_GROUPS: Final = ("+preset", "+experiment")
"""Groups of the main command that are chosen with a plus, as none of their choices is on by itself."""
GROUPS: Final = ("model", "render", "tracking", "hydra/launcher", *PLUS_GROUPS)
"""The config groups of the main command, as they are written."""
OTHER_NAMES: Final = {"engine": "hydra/launcher", "launcher": "hydra/launcher", "look": "render"}
"""What the documents call some of them."""
PATHS: Final = "paths."
"""The section of the settings that name files and folders."""
DEFAULT_LAUNCHER: Final = "joblib"
"""The one that has no file of ours."""


def explain_hydra_error(
    error: Exception, overrides: Sequence[str], variants: Variants, further_folders: Sequence[Path] = ()
) -> str:
    """The message about an error that Hydra raised while it composed these overrides; `further_folders` have
    configuration too."""
    text = str(error)
    if (no_setting := explain_no_setting(overrides)) is not None:
        return no_setting
    if (wrong_group := explain_wrong_group(text, overrides, variants, further_folders)) is not None:
        return wrong_group
    if several := re.match(r"Ambiguous value for argument '(.*)'", text):
        if is_path(several[1]):
            return f"{several[1]}: several values; one name with a comma is written {as_one_text(several[1])}"
        return f"{several[1]}: several values; add --multirun to run them all"
    if wrong_type := re.search(r"Error merging override \+*([\w.]+)=(.*)", text):
        key, value = wrong_type.groups()
        listed = [row for rows in variants.values() for row in rows]
        namesake = next((row.key for row in listed if row.key.endswith(f".{key}")), None)
        for row in listed:
            if row.key == key:
                word = f"{key}={value}"
                advice = f"; a name with brackets is written {as_one_text(word)}" if is_list_of_path(word) else ""
                return f"{word}: must be {row.must_be}{advice}"
            if row.key.startswith(f"{key}.") and namesake:
                return f"{key}={value}: a group of settings; did you mean {namesake}={value}?"
            if row.key.startswith(f"{key}."):
                return f"{key}={value}: a group of settings; set them one by one, such as {row.key}={row.value}"
    return one_line(error)


def is_path(word: str) -> bool:
    """Whether the value of an override names a file or folder: by its setting, or as there is one."""
    key, _, value = word.partition("=")
    return key.lstrip("+").startswith(PATHS) or os.path.lexists(value)


def is_list_of_path(word: str) -> bool:
    """Whether Hydra takes the name of a file or folder for a list or for several settings."""
    return is_path(word) and word.partition("=")[2].startswith(("[", "{"))


def as_one_text(word: str) -> str:
    """An override as a shell needs it for Hydra to take its value for one text: `"paths.prompts='a,b.md'"`."""
    key, _, value = word.partition("=")
    plain = f"{key}={quoted(value)}"
    return shlex.quote(plain) if re.search(r'["$`\\!]', plain) else f'"{plain}"'


def explain_wrong_group(
    text: str, overrides: Sequence[str], variants: Variants, further_folders: Sequence[Path]
) -> str | None:
    """The message about a word that should select a choice of a config group, by Hydra's text about it; None where it
    is about another."""
    if mistyped := re.match(r"Could not override '([^']+)'.*\n?.*append to your (config|default list)", text):
        group = mistyped[1]
        word = next((word for word in overrides if word.startswith(f"{group}=")), f"{group}=NAME")
        if mistyped[2] == "config" or f"+{group}" not in PLUS_GROUPS or "" in variants:
            return explain_unknown_key(group, variants, word)
        choice, choices = word.partition("=")[2], list(group_choices(group, further_folders))
        if set(choice.split(",")) <= set(choices):
            return f"{word}: did you mean +{word}?"
        return explain_unknown_choice(f"+{group}", choice, choices, word)
    if "hydra/launcher/submitit_" in text:
        return "hydra/launcher=slurm: needs hydra-submitit-launcher: pip install 'mardm-batch[slurm]'"
    if unknown := re.match(
        r"In '[^']*': Could not find '([\w/]+)/(.+)'\s+Available options in '[\w/]+':\n((?:\t.+\n)*)", text
    ):
        group, choice, choices = unknown[1], unknown[2], unknown[3].split()
        written = f"+{group}" if f"+{group}" in PLUS_GROUPS else group
        word = next((word for word in overrides if word.lstrip("+") == f"{group}={choice}"), f"{written}={choice}")
        return explain_unknown_choice(written, choice, choices, word)
    if forced := re.match(r"force-add of config groups is not supported: '\+(.*)'", text):
        group = forced[1].lstrip("+").partition("=")[0]
        return f"+{forced[1]}: did you mean {'+' * (f'+{group}' in PLUS_GROUPS)}{forced[1].lstrip('+')}?"
    if again := re.match(r"(\S+) appears more than once in the final defaults list", text):
        words = [word for word in overrides if word.startswith(f"+{again[1]}=")]
        return "".join(f"{word}: did you mean {word[1:]}?" for word in words[:1]) or None
    if twice := re.match(r"Multiple values for (\w+)\. To override", text):
        *_, word = [word for word in overrides if word.startswith(f"+{twice[1]}=")]
        alone = sum(each.startswith(f"+{twice[1]}=") for each in overrides) > 1
        return f"{word}: only one {twice[1]}" if alone else f"{word}: did you mean {word[1:]}?"
    return None


def explain_no_setting(overrides: Sequence[str]) -> str | None:
    """The message about the first word that is no setting, such as a caption; None where all are settings."""
    word = next((word for word in overrides if not re.match(OVERRIDE, word)), None)
    if word is None:
        return None
    return f"{word if word.strip() else repr(word)}: a setting is written KEY=VALUE; --help lists them all"


def explain_unknown_choice(group: str, choice: str, choices: Sequence[str], word: str) -> str:
    """The message about a word that selects a choice of a config group (as it is written) that has no file."""
    unknown = next((name for name in choice.split(",") if name not in choices), choice)
    near = difflib.get_close_matches(unknown, choices, n=1)
    hint = f"; did you mean {group}={near[0]}?" if near else ""
    kind = KINDS.get(group, group.lstrip("+"))
    off = "; tracking.mode=disabled turns it off" if group == "tracking" and not near else ""
    return f"{word}: no such {kind}{hint}{off} (choose from {', '.join(choices)})"


def explain_unknown_key(key: str, variants: Variants, word: str = "") -> str:
    """The message about a key that the composed configuration does not have, and the word that has it if known."""
    if key in OTHER_NAMES and "" not in variants:
        group, choice = OTHER_NAMES[key], word.partition("=")[2]
        near = difflib.get_close_matches(choice, [*group_choices(group), DEFAULT_LAUNCHER], n=1) or ["NAME"]
        return f"{word or key}: no such setting; did you mean {group}={near[0]}?"
    choices = [choice for choice, rows in variants.items() if key in [row.key for row in rows]]
    if choices:
        return f"{key}: a setting of {', '.join(choices)}, not of the selected model (to sweep over several: ++{key}=…)"
    known = [row.key for row in next(iter(variants.values()))]
    known += GROUPS if "" not in variants else ()
    near = difflib.get_close_matches(key, known, n=1)
    if not near and "." not in key:
        last_words = [each.rpartition(".")[2] for each in known]
        meant = difflib.get_close_matches(key, last_words, n=1)
        near = [each for each, last in zip(known, last_words, strict=True) if last in meant]
    return f"{key}: no such setting; " + (f"did you mean {' or '.join(near)}?" if near else "--help lists them all")


def one_line(error: Exception) -> str:
    """Hydra's and OmegaConf's messages in one line: with the cause where it says more, without the search path."""
    text = f"{error}\n{error.__cause__ or ''}".partition("Config search path")[0]
    key = re.search(r"full_key: (\S+)", text)
    text = f"{key[1]}: {text}" if key and key[1] not in text.partition("\n")[0] else text
    text = re.sub(r"Interpolation key '(.+)' not found", r"${\1} names no setting", text)
    text = re.sub(r"(full_key|object_type|reference_type)[:=].*", "", text)
    text = re.sub(r":\n\t", ": ", text).replace("\n\t", ", ")
    return ". ".join(dict.fromkeys(line.strip().rstrip(".") for line in text.splitlines() if line.strip()))
