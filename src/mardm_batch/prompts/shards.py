"""Split a prompt list into shards: shard k of n has every n-th prompt, starting with the k-th (from 0)."""

from collections.abc import Sequence
from math import gcd
from typing import Final

from mardm_batch.prompts.names import Prompt


def shard_of(prompts: Sequence[Prompt], shard: int | None, num_shards: int) -> tuple[Prompt, ...]:
    """The prompts of a shard (0 <= shard < num_shards), in their order; all prompts for None.

    Strided rather than in blocks, so that the shards differ by at most one prompt and have the same mix of captions.
    """
    return tuple(prompts if shard is None else prompts[shard::num_shards])


def shards_overlap(shard: int | None, num_shards: int, other: int | None, num_others: int) -> bool:
    """Whether two shards, possibly of splits into different numbers, may share a prompt; None is the whole list."""
    if shard is None or other is None:
        return True
    return (shard - other) % gcd(num_shards, num_others) == 0


def shard_gpu(shard: int, gpu_ids: Sequence[int]) -> int:
    """The GPU of a shard: the shards take the GPUs in turn."""
    return gpu_ids[shard % len(gpu_ids)]


WHOLE_LIST: Final = "all"
"""The name of the shard that is every prompt."""


def shard_name(shard: int | None, num_shards: int) -> str:
    """The name of a shard in file names, run names and records."""
    return WHOLE_LIST if shard is None else f"shard-{shard}-of-{num_shards}"


def described_shard(name: str) -> str:
    """A shard in messages, by its name."""
    return "the whole list" if name == WHOLE_LIST else name
