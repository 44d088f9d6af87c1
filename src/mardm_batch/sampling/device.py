"""The device of a shard, and the batch sizes and precision that suit it."""

from collections.abc import Sequence
from pathlib import Path

from mardm_batch.errors import ConfigurationError
from mardm_batch.prompts.shards import shard_gpu

SMALL_ON_CPU = (32, 128)
"""First and largest batch size of small networks: a small first batch soon gives the first poses."""
LARGE_ON_CPU = (8, 256)
"""Of large networks; the largest batch takes some gigabytes."""
ON_GPU = (64, 1024)


def shard_device(shard: int | None, gpu_ids: Sequence[int] | None, visible: int) -> str:
    """The torch device of a shard: the listed GPUs in turn, `cpu` where there are none.

    `gpu_ids` None means all `visible` GPUs in order; no shard means the first.

    Raises:
        ConfigurationError: a listed GPU is not visible.
    """
    if gpu_ids is None and visible == 0:
        return "cpu"
    gpus = range(visible) if gpu_ids is None else gpu_ids
    missing = [gpu for gpu in gpus if gpu not in range(visible)]
    if missing or not gpus:
        problem = f"there is no GPU {missing[0]}" if missing else "no GPU is listed"
        listed, seen = (",".join(map(str, each)) for each in (gpus, range(visible)))
        advice = (
            f"visible are {seen}; gpu_ids=[{seen}] or gpu_ids=null uses all of them"
            if visible
            else "none is visible; gpu_ids=null uses the CPU"
        )
        raise ConfigurationError(f"gpu_ids=[{listed}]: {problem}: {advice}")
    return f"cuda:{shard_gpu(shard or 0, gpus)}"


def check_device(shard: int | None, gpu_ids: Sequence[int] | None) -> None:
    """Raise as `shard_device` where GPUs are named; torch, which takes seconds to import, is needed only then."""
    if gpu_ids is not None:
        import torch

        shard_device(shard, gpu_ids, torch.cuda.device_count())


def batch_bounds(device: str, is_small: bool, batches_are_independent: bool = True) -> tuple[int, int]:
    """First and largest batch size; one where the poses of a batch depend on each other."""
    if not batches_are_independent:
        return 1, 1
    if device != "cpu":
        return ON_GPU
    return SMALL_ON_CPU if is_small else LARGE_ON_CPU


def choose_precision(precision: str, device: str, is_small: bool) -> str:
    """float32 or bfloat16. By `auto` small networks stay in float32: they are too small to gain."""
    if precision != "auto":
        return precision
    return "bfloat16" if not is_small and bfloat16_is_faster(device) else "float32"


def bfloat16_is_faster(device: str) -> bool:
    """Whether matrix products are faster in it: on GPUs since Ampere and CPUs whose instructions have it."""
    if device != "cpu":
        import torch

        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        features = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        return False
    return not features.isdisjoint({"amx_bf16", "avx512_bf16"})
