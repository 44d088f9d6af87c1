"""Prompt lists as they were parsed, kept in a folder: parsed once, then read by every run that has the same file.

A file of JSON lines, named after a digest of the prompt file's content and of all that its prompts depend on besides:
a header, and a line for each prompt in their order, so that a shard decodes its own lines alone. It is a cache; what
is missing or damaged is parsed again.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from mardm_batch import __version__
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.prompt_list import PromptList, read_prompts
from mardm_batch.prompts.shards import shard_of
from mardm_batch.system.files import MAX_LIST_BYTES, open_regular, read_regular, write_atomically
from mardm_batch.system.garbage import no_garbage_search

LISTS_KEPT: Final = 4
"""Of different prompt files or settings; the oldest goes first."""
LINES_AT_ONCE: Final = 10_000
MAX_PARSED_BYTES: Final = 4 * MAX_LIST_BYTES
NAME: Final = re.compile(r"[^-./\\\0][^/\\\0]*\Z")
SUFFIX: Final = ".jsonl"


@dataclass(frozen=True)
class PromptSource:
    """A prompt file, and how it is read; see `prompt_list.read_prompts`."""

    path: Path
    column: str | None
    names: str
    max_name_bytes: int
    poses_per_caption: int
    reads_lengths: bool = False

    def parse(self) -> PromptList:
        """Raises InputError."""
        return read_prompts(
            self.path, self.column, self.names, self.max_name_bytes, self.poses_per_caption, self.reads_lengths
        )

    def digest(self) -> str | None:
        """Stands for the prompts of the file; None where it cannot be read."""
        try:
            content = hashlib.blake2b(read_regular(self.path, MAX_LIST_BYTES), digest_size=16)
        except (OSError, ValueError):
            return None
        how = [__version__, *map(str, astuple(self))]
        content.update(json.dumps(how).encode())
        return content.hexdigest()


@dataclass(frozen=True)
class ShardPrompts:
    """The prompts of a shard, and what is said of the file."""

    prompts: tuple[Prompt, ...]
    merged: int
    warnings: tuple[str, ...]
    parsed: PromptList | None = None
    """The whole list, where it was parsed just now."""
    digest: str | None = None

    def keep(self, folder: Path) -> None:
        """Leave a list that was parsed just now for other runs, unless it cannot be written."""
        if self.parsed is not None and self.digest is not None and not folder.is_symlink():
            with suppress(OSError):
                folder.mkdir(exist_ok=True)
                write_list(self.parsed, folder / f"{self.digest}{SUFFIX}")


@no_garbage_search()
def read_shard(
    source: PromptSource,
    limit: int | None = None,
    shard: int | None = None,
    num_shards: int = 1,
    folder: Path | None = None,
) -> ShardPrompts:
    """The prompts of a shard of the first captions of a file.

    Args:
        limit: first captions; None: all.
        folder: of lists that were parsed before; None: there is none.

    Raises:
        InputError: as `read_prompts`.
    """
    digest = None if folder is None else source.digest()
    if folder is not None and digest is not None:
        count = None if limit is None else limit * source.poses_per_caption
        with (
            suppress(OSError, ValueError, TypeError, KeyError),
            open_regular(folder / f"{digest}{SUFFIX}", MAX_PARSED_BYTES) as file,
        ):
            return read_list(file, count, shard, num_shards)
    parsed = source.parse()
    prompts = shard_of(parsed.first(limit), shard, num_shards)
    return ShardPrompts(prompts, parsed.merged, parsed.warnings, parsed, digest)


def read_list(file: BinaryIO, count: int | None, shard: int | None, num_shards: int) -> ShardPrompts:
    """The prompts of a shard from a list that was parsed. Raises ValueError, TypeError or KeyError for another file."""
    header = json.loads(file.readline())
    total = header["prompts"] if count is None else min(count, header["prompts"])
    step = 1 if shard is None else num_shards
    lines = islice(file, shard or 0, total, step)
    prompts = tuple(checked(Prompt(*fields)) for fields in decoded(lines))
    if len(prompts) != len(range(shard or 0, total, step)):
        raise ValueError("lines are missing")
    return ShardPrompts(prompts, header["merged"], tuple(header["warnings"]))


def checked(prompt: Prompt) -> Prompt:
    """The prompt. Raises ValueError for one whose name could be a path, or whose caption is no text."""
    if not isinstance(prompt.caption, str) or not NAME.match(prompt.name):  # TypeError for a name that is no text
        raise ValueError("no prompt")
    return prompt


def decoded(lines: Iterable[bytes]) -> Iterator[Sequence[Any]]:
    """The JSON arrays of lines, many at once, as that is faster."""
    lines = iter(lines)
    while several := list(islice(lines, LINES_AT_ONCE)):
        yield from json.loads(b"[" + b",".join(several) + b"]")


def write_list(parsed: PromptList, path: Path) -> None:
    """Write a parsed list, and remove the oldest of those that are there. Raises OSError."""
    header = {"prompts": len(parsed.prompts), "merged": parsed.merged, "warnings": parsed.warnings}
    rows = (json.dumps(fields_of(each), ensure_ascii=False) for each in parsed.prompts)
    content = "\n".join([json.dumps(header), *rows, ""]).encode()
    write_atomically(path, content)
    kept = sorted(path.parent.glob(f"*{SUFFIX}"), key=os.path.getmtime)
    for old in kept[:-LISTS_KEPT]:
        old.unlink(missing_ok=True)


def fields_of(prompt: Prompt) -> list[Any]:
    """The arguments of a prompt, without those at the end that it has by default."""
    if prompt.number > 1 or prompt.frames is not None:
        return [prompt.name, prompt.caption, prompt.source, prompt.number, prompt.frames]
    return [prompt.name, prompt.caption, prompt.source] if prompt.source else [prompt.name, prompt.caption]
