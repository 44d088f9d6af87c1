"""Which device a shard runs on, and what that device is good at."""

from collections.abc import Sequence
from pathlib import Path

import torch

from mardm_batch.errors import ConfigurationError


def shard_device(shard: int | None, gpu_ids: Sequence[int] | None, visible: int) -> str:
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


def bfloat16_is_faster(device: str) -> bool:
    """Whether matrix products are faster in it: on GPUs since Ampere and CPUs whose instructions have it."""
    if device != "cpu":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        return False
    return not words.isdisjoint({"amx_bf16", "avx512_bf16"})
