"""The distinct captions of a prompt file, each with the name of its files."""

from dataclasses import dataclass
from pathlib import Path

from mardm_batch.prompts.names import Prompt, name_prompts
from mardm_batch.prompts.readers import read_captions


@dataclass(frozen=True)
class PromptList:
    """The distinct captions of a file in its order; `merged` captions were there before, word for word."""

    prompts: tuple[Prompt, ...]
    merged: int
    warnings: tuple[str, ...] = ()


def bundled_prompts() -> Path:
    """The prompt list that ships with the package."""
    return Path(__file__).parents[1] / "assets" / "static_poses.md"


def read_prompts(path: Path) -> PromptList:
    """Read a `.md`, `.txt`, `.csv` or `.jsonl` file (UTF-8) into named prompts.

    Raises InputError, one line with file and line number, where the file cannot be read, holds no
    caption, or has a place where a caption would be lost or cut without notice.
    """
    captions, warnings = read_captions(path)
    distinct = tuple(dict.fromkeys(captions))
    return PromptList(name_prompts(distinct), len(captions) - len(distinct), tuple(warnings))
