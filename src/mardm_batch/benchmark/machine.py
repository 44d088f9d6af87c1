"""The machine of a benchmark: processor, device, and the speed of matrix products."""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from mardm_batch.benchmark.figures import MachineFigures
from mardm_batch.system.processes import available_cores

PRODUCT = (2048, 1792, 1792)
"""Rows, inputs and outputs of the matrix product whose speed is the machine's peak: a layer of the XL head."""


def measure_machine(device: str) -> MachineFigures:
    return MachineFigures(
        processor=processor_name(),
        cores=available_cores(),
        device=device if device == "cpu" else torch.cuda.get_device_name(device),
        torch=str(torch.__version__),
        float32_gflops=matrix_peak("float32", device) / 1e9,
        bfloat16_gflops=matrix_peak("bfloat16", device) / 1e9,
    )


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


@torch.inference_mode()
def matrix_peak(precision: str, device: str, seconds: float = 1.0) -> float:
    """The highest speed of a matrix product of the head's size, in floating-point operations per second."""
    rows, inputs, outputs = PRODUCT
    x, weight = (
        torch.randn(*shape, device=device, dtype=getattr(torch, precision))
        for shape in ((rows, inputs), (outputs, inputs))
    )
    repeats = 100 if device != "cpu" else 1
    fastest, end = float("inf"), time.monotonic() + seconds

    def products() -> None:
        for _ in range(repeats):
            F.linear(x, weight)

    products()
    while time.monotonic() < end or fastest == float("inf"):
        fastest = min(fastest, seconds_of(products, device))
    return 2 * rows * inputs * outputs * repeats / fastest


def seconds_of(run: Callable[[], object], device: str) -> float:
    """Seconds that a function takes on a device."""
    started = time.perf_counter()
    run()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
