"""Which prompts and which device a shard has. Shard k of n takes every n-th prompt from the k-th on."""

from collections.abc import Sequence
from math import gcd

from mardm_batch.errors import ConfigurationError
from mardm_batch.prompts import Prompt


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


def device_of(shard: int | None, gpu_ids: Sequence[int] | None, visible: int) -> str:
    """The torch device of a shard: the listed GPUs in turn, `cpu` where there are none.

    `gpu_ids` None means all `visible` GPUs in order; no shard means the first. Raises
    ConfigurationError where a listed GPU is not visible.
    """
    if gpu_ids is None and visible == 0:
        return "cpu"
    gpus = range(visible) if gpu_ids is None else gpu_ids
    missing = [gpu for gpu in gpus if gpu not in range(visible)]
    if missing or not gpus:
        what = f"no GPU {missing[0]} here" if missing else "names no GPU"
        seen = ", ".join(map(str, range(visible))) if visible else "none"
        advice = "list visible ones, or null for every visible GPU, else the CPU"
        raise ConfigurationError(f"gpu_ids: {list(gpus)}: {what} ({seen} visible); {advice}")
    return f"cuda:{gpus[(shard or 0) % len(gpus)]}"
