"""What models of PyTorch share: the memory of their device, and embeddings of captions that are kept."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from mardm_batch.model.motion_model import MotionModel
from mardm_batch.model.text import CachedTextEncoder, ClipTextEncoder, TextEncoder
from mardm_batch.model.weights import weights_hash


class TorchModel(MotionModel):
    """A model with a text encoder on a torch device."""

    text_encoder: TextEncoder

    def cache_text_embeddings(self, captions: Sequence[str], folder: Path, name: str) -> None:
        """See `MotionModel.cache_text_embeddings`: for CLIP, with the hash of its weights after the name."""
        if isinstance(self.text_encoder, ClipTextEncoder):
            file = folder / f"{name}-{weights_hash(self.text_encoder.weights)[:16]}.safetensors"
            cached = CachedTextEncoder(self.text_encoder, file)
            self.text_encoder = cached
            with suppress(Exception):  # what fails here fails in its batch again, which costs no other one
                cached.fill(captions)

    def clear_text_embeddings(self) -> None:
        """See `MotionModel.clear_text_embeddings`."""
        if isinstance(self.text_encoder, CachedTextEncoder):
            self.text_encoder.clear()

    def device_memory_mb(self) -> float:
        """See `MotionModel.device_memory_mb`."""
        return 0.0 if self.device == "cpu" else torch.cuda.max_memory_allocated(self.device) / 2**20

    def is_out_of_memory(self, error: Exception) -> bool:
        """Errors of the machine's and of the GPU's allocator."""
        exhausted = (
            super().is_out_of_memory(error)
            or isinstance(error, torch.cuda.OutOfMemoryError)
            or "can't allocate memory" in str(error)
        )
        if exhausted and self.device != "cpu":
            torch.cuda.empty_cache()
        return exhausted
