"""The suites of the benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Suite:
    """The extent of a benchmark."""

    name: str
    batches: Sequence[int]
    """Batch sizes of the sampler in the fastest precision."""
    slower_batches: Sequence[int]
    """Batch sizes in float32 where bfloat16 is faster."""
    whole: bool
    """True: our loop is run whole, and the published loop at every batch size, whole at the published one."""
    prompts: Sequence[int]
    """Numbers of captions of the runs from start to end."""
    captions: int
    """Number of captions for pictures, text encoder and the embedded model."""


SUITES: Final = {
    "quick": Suite("quick", batches=(8, 256), slower_batches=(8,), whole=False, prompts=(100, 1000), captions=64),
    "full": Suite(
        "full",
        batches=(1, 8, 64, 128, 256),
        slower_batches=(1, 8, 64, 128, 256),
        whole=True,
        prompts=(100, 1000, 10000),
        captions=256,
    ),
}
