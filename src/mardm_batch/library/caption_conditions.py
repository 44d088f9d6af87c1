"""Files of captions with the conditions that their poses should meet."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from mardm_batch.errors import InputError, first_line
from mardm_batch.pose.conditions import Condition, bundled_conditions, parse
from mardm_batch.system.files import UnusableFileError, read_regular

_FORMAT: Final = "python -m mardm_batch.evaluate --help shows the format"


@dataclass(frozen=True)
class CaptionEntry:
    """A caption's conditions, the group of captions it belongs to and how many things it asks for, where it says so."""

    conditions: tuple[Condition, ...]
    group: str | None = None
    demands: int | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """By which the scores of captions are told apart."""
        demands = None if self.demands is None else f"{self.demands} {'demand' if self.demands == 1 else 'demands'}"
        return tuple(label for label in (self.group, demands) if label is not None)


def read_conditions(path: Path) -> dict[str, tuple[Condition, ...]]:
    """The conditions of each caption of a file, which `read_captions` reads."""
    return {caption: entry.conditions for caption, entry in read_captions(path).items()}


def read_captions(path: Path) -> dict[str, CaptionEntry]:
    """The captions of a YAML file with their conditions: `caption: {conditions: [left_hand above head, ...]}`.

    An entry may have a `group`, a name, and its number of `demands` too.

    Raises:
        InputError: the file cannot be read, or a condition is not understood.
    """
    try:
        entries = yaml.load(read_regular(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {_FORMAT}") from None
    except UnusableFileError as error:
        raise InputError(f"{path}: {error.strerror}; {_FORMAT}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check path and permissions") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not valid YAML ({first_line(error)}); {_FORMAT}") from None
    try:
        captions = {
            unicodedata.normalize("NFC", str(caption)): CaptionEntry(
                conditions=tuple(map(parse, entry["conditions"])),
                group=None if entry.get("group") is None else str(entry["group"]),
                demands=None if entry.get("demands") is None else int(entry["demands"]),
            )
            for caption, entry in entries.items()
        }
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: every caption needs a list of conditions; {_FORMAT}") from None
    if not captions or not all(entry.conditions for entry in captions.values()):
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
