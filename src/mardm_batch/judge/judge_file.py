"""The file of the judge, and what stands for it, without the judge: settings need that at every start."""

import hashlib
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError, first_line
from mardm_batch.language.version import RULES_VERSION
from mardm_batch.system.files import read_regular

PACKAGED: Final = Path(__file__).parents[1] / "assets" / "judge.safetensors"


def judge_hash(path: Path = PACKAGED) -> str:
    """Of the file and the rules by which captions are rewritten: where candidates are chosen by their agreement, part
    of their provenance.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return content_hash(read_regular(path))
    except OSError as error:
        raise InputError(not_a_judge(path, error)) from None


def content_hash(content: bytes) -> str:
    return hashlib.sha256(content + str(RULES_VERSION).encode()).hexdigest()


def not_a_judge(path: Path, error: Exception) -> str:
    """The message about a file that does not hold the judge."""
    return f"{path}: not a file of the judge ({first_line(error)}); install the package anew"
