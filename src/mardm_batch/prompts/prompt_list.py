"""The distinct captions of a prompt file as named prompts."""

from dataclasses import dataclass
from pathlib import Path

from mardm_batch.prompts.names import Prompt, name_prompts
from mardm_batch.prompts.readers import read_captions


@dataclass(frozen=True)
class PromptList:
    """The prompts of a file in its order, one for each distinct caption, and warnings about the file."""

    prompts: tuple[Prompt, ...]
    merged: int
    """Captions of the file that repeat an earlier one exactly."""
    warnings: tuple[str, ...] = ()


def bundled_prompts() -> Path:
    """The path of the prompt list that ships with the package."""
    return Path(__file__).parents[1] / "assets" / "static_poses.md"


def read_prompts(path: Path) -> PromptList:
    """Read a prompt file (UTF-8; its format is that of its extension, see `readers.READERS`) into named prompts.

    Raises:
        InputError: one line with file and line number, where the file cannot be read, has no caption, or where a
            caption would be lost or cut without notice.
    """
    captions, warnings = read_captions(path)
    distinct = tuple(dict.fromkeys(captions))
    return PromptList(name_prompts(distinct), len(captions) - len(distinct), tuple(warnings))
