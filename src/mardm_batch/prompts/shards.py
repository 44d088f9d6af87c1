"""Which prompts and which device a shard has. Shard k of n takes every n-th prompt from the k-th on."""

from collections.abc import Sequence
from math import gcd

from mardm_batch.prompts.names import Prompt


def shard_of(prompts: Sequence[Prompt], shard: int | None, num_shards: int) -> tuple[Prompt, ...]:
    """The prompts of one shard, in their order; all of them for None. 0 <= shard < num_shards.

    Strided rather than in blocks, so that shards stay equally long and see the same mix of captions.
    """
    return tuple(prompts if shard is None else prompts[shard::num_shards])


def shards_overlap(shard: int | None, num_shards: int, other: int | None, num_others: int) -> bool:
    """Whether two shards, perhaps of different splits, can share a prompt (None: the whole list)."""
    if shard is None or other is None:
        return True
    return (shard - other) % gcd(num_shards, num_others) == 0


def shard_name(shard: int | None, num_shards: int) -> str:
    """What a shard is called in names of files and runs, and in messages."""
    return "all" if shard is None else f"shard-{shard}-of-{num_shards}"
