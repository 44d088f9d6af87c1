"""Captions to embeddings. Axes: b captions."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.model.reasons import reason_of

CLIP_TOKENS: Final = 77
"""Tokens of the longest caption that CLIP reads; what comes after is cut."""


class TextEncoder(Protocol):
    """Turns captions into the vectors that condition the transformer."""

    @property
    def size(self) -> int:
        """Numbers in an embedding."""
        ...

    def encode(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (b, size), float32."""
        ...


class ClipTextEncoder:
    """CLIP's text tower: the projected pooled embedding, not normalised (Radford et al., arXiv 2103.00020).

    `name_or_folder` is a name on the Hugging Face hub or a local folder with the model and its tokenizer.
    Nothing is downloaded unless `allow_download`. Needs the package transformers (extra `clip`).
    """

    def __init__(self, name_or_folder: str, device: torch.device | str = "cpu", allow_download: bool = False) -> None:
        try:
            transformers: Any = import_module("transformers")
        except ImportError as error:
            raise ConfigurationError(
                f'model.text_encoder={name_or_folder}: needs the package transformers; pip install "mardm-batch[clip]"'
            ) from error
        # CLIP's image tower is in the same file; transformers would list it as unexpected, line by line.
        transformers.logging.set_verbosity_error()
        if not allow_download:
            transformers.logging.disable_progress_bar()
        local = {"local_files_only": not allow_download}
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(name_or_folder, **local)
            model, report = transformers.CLIPTextModelWithProjection.from_pretrained(
                name_or_folder, output_loading_info=True, **local
            )
        except Exception as error:  # transformers, the hub's client and safetensors have their own exceptions
            raise InputError(
                f"model.text_encoder={name_or_folder}: cannot load a CLIP text encoder ({reason_of(error)}); set "
                "model.download=true, or name a local folder that holds it"
            ) from error
        if missing := sorted(report["missing_keys"]):
            raise InputError(
                f"model.text_encoder={name_or_folder}: not CLIP's weights, {len(missing)} tensors are missing "
                f"({missing[0]} …); use openai/clip-vit-base-patch32"
            )
        self._model = model.to(device, torch.float32).eval().requires_grad_(False)
        self._device = device

    @property
    def size(self) -> int:
        """Numbers in an embedding: 512 for ViT-B/32."""
        size: int = self._model.config.projection_dim
        return size

    @torch.inference_mode()
    def encode(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (b, size), float32, on the encoder's device.

        Captions are padded to the longest of them only: attention is causal and the embedding is read at
        the end of the text, so that what follows it changes nothing.
        """
        tokens = self._tokenizer(
            list(captions), padding="longest", truncation=True, max_length=CLIP_TOKENS, return_tensors="pt"
        ).to(self._device)
        embeddings: Tensor = self._model(**tokens).text_embeds
        return embeddings
