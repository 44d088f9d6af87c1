"""The distinct captions of a prompt file as named prompts."""

from dataclasses import dataclass
from pathlib import Path

from mardm_batch.prompts.names import MAX_NAME_BYTES, Prompt, further_poses, name_prompts
from mardm_batch.prompts.prompt_file import Entry
from mardm_batch.prompts.readers import read_entries


@dataclass(frozen=True)
class PromptList:
    """The prompts of a file in its order, so many for each distinct caption, and warnings about the file."""

    prompts: tuple[Prompt, ...]
    merged: int
    """Captions of the file that repeat an earlier one."""
    warnings: tuple[str, ...] = ()
    poses_per_caption: int = 1

    def first(self, captions: int | None) -> tuple[Prompt, ...]:
        """All prompts of the first captions; None: of all."""
        return self.prompts if captions is None else self.prompts[: captions * self.poses_per_caption]


def bundled_prompts() -> Path:
    """The path of the prompt list that ships with the package."""
    return Path(__file__).parents[1] / "assets" / "static_poses.md"


def read_prompts(
    path: Path,
    column: str | None = None,
    names: str = "caption",
    max_name_bytes: int = MAX_NAME_BYTES,
    poses_per_caption: int = 1,
    reads_lengths: bool = False,
) -> PromptList:
    """Read a prompt file (its format is that of its extension, see `readers.READERS`) into named prompts.

    Args:
        column: of the captions; None: `caption`, `text`, `prompt` or the only one.
        names: what names are made of, one of `names.NAME_SOURCES`.
        max_name_bytes: the longest name in UTF-8, see `names.max_name_bytes`.
        poses_per_caption: prompts for each caption, see `names.further_poses`.
        reads_lengths: whether lengths of clips beside captions are read; else they are set aside.

    Raises:
        InputError: one line with file and line number, where the file cannot be read, has no caption, or where a
            caption would be lost or cut without notice.
    """
    entries, warnings = read_entries(path, column, reads_lengths)
    distinct: dict[str, Entry] = {}
    for entry in entries:
        distinct.setdefault(entry.caption, entry)
    prompts = name_prompts(distinct.values(), names, max_name_bytes)
    prompts = further_poses(prompts, poses_per_caption, max_name_bytes)
    return PromptList(prompts, len(entries) - len(distinct), tuple(warnings), poses_per_caption)
