"""Utilisation and memory of NVIDIA GPUs, by nvidia-ml-py (the extra `gpu`)."""

import importlib
import re
from dataclasses import dataclass
from typing import Any

from mardm_batch.dataset.progress import Progress


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU with all of its processes: utilisation in per cent, memory in MiB."""

    busy_percent: int
    used_mb: float
    total_mb: float


class Gpus:
    """The NVIDIA GPUs of this machine; none where there is no GPU, driver or nvidia-ml-py."""

    def __init__(self) -> None:
        self.nvml: Any = None
        self.handles: list[Any] = []
        try:
            self.nvml = importlib.import_module("pynvml")
            self.nvml.nvmlInit()
            self.handles = [self.nvml.nvmlDeviceGetHandleByIndex(n) for n in range(self.nvml.nvmlDeviceGetCount())]
        except Exception:  # no package, driver or permission: the monitor works without
            return

    def gpu_of(self, record: Progress) -> Gpu | None:
        """The GPU of a shard's process; where a container hides the processes, the one with the device's number."""
        number = re.fullmatch(r"cuda:(\d+)", record.device)
        if number is None or not record.is_here or not self.handles:
            return None
        try:
            pids = [[each.pid for each in self.nvml.nvmlDeviceGetComputeRunningProcesses(gpu)] for gpu in self.handles]
            index = next((index for index, running in enumerate(pids) if record.pid in running), int(number[1]))
            memory = self.nvml.nvmlDeviceGetMemoryInfo(self.handles[index])
            utilisation = self.nvml.nvmlDeviceGetUtilizationRates(self.handles[index]).gpu
            return Gpu(int(utilisation), memory.used / 2**20, memory.total / 2**20)
        except Exception:  # the driver does not report it for this GPU
            return None
