"""Files of captions with the conditions that their poses should meet."""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from mardm_batch.errors import InputError, first_line
from mardm_batch.pose.conditions import Condition, bundled_conditions, parse
from mardm_batch.system.files import read_regular

_FORMAT: Final = "python -m mardm_batch.evaluate --help shows the format"


def read_conditions(path: Path) -> dict[str, tuple[Condition, ...]]:
    """The captions of a YAML file with their conditions: `caption: {conditions: [left_hand above head, ...]}`.

    Raises:
        InputError: the file cannot be read, or a condition is not understood.
    """
    try:
        entries = yaml.load(read_regular(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not valid YAML ({first_line(error)}); {_FORMAT}") from None
    try:
        captions = {
            unicodedata.normalize("NFC", str(caption)): tuple(map(parse, entry["conditions"]))
            for caption, entry in entries.items()
        }
    except (AttributeError, KeyError, TypeError):
        raise InputError(f"{path}: every caption needs a list of conditions; {_FORMAT}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if not captions or not all(captions.values()):
        raise InputError(f"{path}: a caption without conditions cannot be scored")
    return captions


def conditions_beside(prompts: Path) -> Path:
    """The file with the conditions of a prompt file's captions, which need not exist: `captions.conditions.yaml`."""
    return prompts.with_name(f"{prompts.stem}.conditions.yaml")


def caption_conditions(prompts: Path | None) -> Mapping[str, tuple[Condition, ...]]:
    """The conditions of the captions of a prompt file: those of the file beside it, and the bundled ones.

    Raises:
        InputError: the file beside it cannot be read.
    """
    bundled = bundled_conditions()
    if prompts is None or not os.path.lexists(conditions_beside(prompts)):
        return bundled
    return {**bundled, **read_conditions(conditions_beside(prompts))}
