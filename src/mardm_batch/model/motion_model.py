"""The interface of every model: captions and noise keys to clips. Axes: b poses, T frames, 22 joints. No torch here."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.language.rewriting import Rewriting

Clips = NDArray[np.float32]
"""(b, T, 22, 3): metres, Y up. Where a clip starts and its heading there are the model's: usually the origin and +Z."""

MAX_ATTEMPTS_UNTIL_FINITE: Final = 2


class MotionModel(ABC):
    """A loaded model. A clip depends on its caption, its noise key and the model's settings alone, not on its batch."""

    device: str = "cpu"
    """The torch device it computes on."""
    precision: str = "float32"
    """Of its matrix products."""
    weights_hash: str
    """SHA-256 of its weights, hexadecimal: part of every pose's provenance."""
    batch_bounds: tuple[int, int] = (1, 64)
    """First and largest batch size that are tried; equal where the size is fixed."""
    max_attempts: int = MAX_ATTEMPTS_UNTIL_FINITE
    """Attempts at a pose, each with another noise key, until one is acceptable."""

    @abstractmethod
    def generate(self, captions: Sequence[str], keys: Sequence[int], frames: int) -> Clips:
        """Clips (b, frames, 22, 3) for captions and their 128-bit noise keys; `frames` is a multiple of 4."""

    def acceptable(self, clips: Clips) -> NDArray[np.bool_]:
        """Whether (b,) clips are kept rather than sampled again: those that are finite."""
        return np.asarray(np.isfinite(clips).all(axis=(1, 2, 3)))

    def read(self, caption: str) -> Rewriting:
        """A caption as the model reads it: in other words that mean the same, where it has rules for that."""
        return Rewriting(caption)

    def unknown_words(self, caption: str) -> list[str]:
        """The words of a caption, as `read`, that the model does not know, each once, in their order."""
        return []

    def knows_a_word(self, caption: str) -> bool:
        """Whether the model can read anything of a caption."""
        return True

    def cache_text_embeddings(self, captions: Sequence[str], folder: Path, name: str) -> None:  # noqa: B027
        """Compute the embeddings of all captions of a run at once, and keep them for a resumed run.

        Args:
            name: begins the name of the file in the folder; it is the run's own.
        """

    def clear_text_embeddings(self) -> None:  # noqa: B027
        """Remove what `cache_text_embeddings` left in the folder: every pose of the run is made."""

    def device_memory_mb(self) -> float:
        """Peak memory on the GPU in MB; 0 on the CPU."""
        return 0.0

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether an error is the device or the machine running out of memory; memory that can be freed is freed."""
        return isinstance(error, MemoryError)
