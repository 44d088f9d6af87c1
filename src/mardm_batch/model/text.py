"""Captions to embeddings. Axes: b captions."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mardm_batch.errors import ConfigurationError, InputError, first_line
from mardm_batch.model.clip_file import load_clip_file
from mardm_batch.model.clip_text import clean_caption
from mardm_batch.system.files import MAX_LIST_BYTES, open_regular, write_atomically

CLIP_TOKENS: Final = 77
"""Tokens of the longest caption that CLIP reads; what comes after is cut."""
_CAPTIONS_AT_ONCE: Final = 64
_SECONDS_FOR_ANSWER: Final = 10.0
_EMBEDDINGS, _CAPTIONS = "embeddings", "captions"  # of the file of embeddings


class TextEncoder(Protocol):
    """Captions to the vectors that condition the transformer."""

    @property
    def size(self) -> int:
        """Numbers in an embedding."""
        ...

    def encode(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (b, size), float32."""
        ...


class ClipTextEncoder:
    """CLIP's text tower: the projected pooled embedding, not normalised (Radford et al., arXiv 2103.00020).

    `model` is transformers' CLIPTextModelWithProjection, `tokenizer` its tokenizer.
    """

    def __init__(self, tokenizer: Any, model: Any, device: torch.device | str = "cpu") -> None:
        self._tokenizer = tokenizer
        self._model = model.to(device, torch.float32).eval().requires_grad_(False)
        self._device = device

    @classmethod
    def load(
        cls, name_or_folder: str, device: torch.device | str = "cpu", allow_download: bool = False
    ) -> "ClipTextEncoder":
        """By its name on the Hugging Face hub, from a local folder with the model and its tokenizer, or OpenAI's file.

        Nothing is downloaded unless `allow_download`. Needs the packages transformers and ftfy (extra `clip`).
        """
        try:
            transformers: Any = import_module("transformers")
        except ImportError as error:
            raise ConfigurationError(
                f'{name_or_folder}: needs the package transformers; pip install "mardm-batch[clip]"'
            ) from error
        # CLIP's image tower is in the same file; transformers would list it as unexpected, line by line.
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        file = Path(name_or_folder).expanduser()
        if file.is_file():
            return cls(*load_clip_file(file, transformers), device)
        try:
            tokenizer, model, report = _load_local_first(transformers, name_or_folder, allow_download)
        except Exception as error:  # transformers, the hub's client and safetensors have their own exceptions
            raise InputError(f"{name_or_folder}: cannot load a CLIP text encoder ({first_line(error)})") from error
        if missing := sorted(report["missing_keys"]):
            raise InputError(
                f"{name_or_folder}: not CLIP's weights, {len(missing)} tensors are missing "
                f"({missing[0]} …); use openai/clip-vit-base-patch32"
            )
        return cls(tokenizer, model, device)

    @property
    def size(self) -> int:
        """Numbers in an embedding: 512 for ViT-B/32."""
        size: int = self._model.config.projection_dim
        return size

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The tower's weights by name."""
        weights: Mapping[str, Tensor] = self._model.state_dict()
        return weights

    @torch.inference_mode()
    def encode(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (b, size), float32, on the encoder's device. Any number of captions; equal ones are computed once.

        Captions of like length are computed together and padded to the longest of them only: attention is causal and
        the embedding is read at the end of the text, so that what follows it changes nothing.
        """
        rows = {caption: row for row, caption in enumerate(dict.fromkeys(captions))}
        cleaned = [clean_caption(caption) for caption in rows]
        tokenized = self._tokenizer(cleaned, truncation=True, max_length=CLIP_TOKENS)["input_ids"]
        tokens = [torch.tensor(numbers) for numbers in tokenized]
        by_length = sorted(range(len(rows)), key=lambda row: len(tokens[row]))
        embeddings = torch.empty(len(rows), self.size, device=self._device)
        for start in range(0, len(rows), _CAPTIONS_AT_ONCE):
            chunk = by_length[start : start + _CAPTIONS_AT_ONCE]
            padded = pad_sequence([tokens[row] for row in chunk], batch_first=True)
            embeddings[chunk] = self._model(input_ids=padded.to(self._device)).text_embeds
        return embeddings[[rows[caption] for caption in captions]]


def _load_local_first(transformers: Any, name: str, allow_download: bool) -> tuple[Any, Any, Any]:
    """Tokenizer, text tower and report of its loading: from the hub's cache or a folder, else from the hub."""

    def load(**options: bool) -> tuple[Any, Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
        tower = transformers.CLIPTextModelWithProjection
        return tokenizer, *tower.from_pretrained(name, output_loading_info=True, **options)

    try:
        return load(local_files_only=True)
    except Exception:
        if not allow_download or Path(name).is_dir():
            raise
    hub: Any = import_module("huggingface_hub")
    # transformers would try again for minutes where there is no connection
    hub.get_hf_file_metadata(hub.hf_hub_url(name, "config.json"), timeout=_SECONDS_FOR_ANSWER)
    return load()


class CachedTextEncoder:
    """A text encoder with the embeddings of all captions of a run, in memory and in a file that a resumed run reads.

    The file is written whole; one that cannot be read is computed again.
    """

    def __init__(self, encoder: TextEncoder, file: Path) -> None:
        self._encoder, self._file = encoder, file
        self._rows: dict[str, Tensor] = {}

    @property
    def size(self) -> int:
        """Numbers in an embedding."""
        return self._encoder.size

    def fill(self, captions: Sequence[str]) -> None:
        """Read the embeddings of these captions from the file, compute those that it lacks, and write it again."""
        with (
            suppress(OSError, SafetensorError, KeyError, TypeError, ValueError),
            open_regular(self._file, MAX_LIST_BYTES),
            safe_open(self._file, framework="pt") as file,
        ):
            stored = file.get_tensor(_EMBEDDINGS)
            self._rows = dict(zip(json.loads(file.metadata()[_CAPTIONS]), stored, strict=True))
        if not self._add(captions):
            return
        content = save({_EMBEDDINGS: torch.stack(list(self._rows.values()))}, {_CAPTIONS: json.dumps(list(self._rows))})
        with suppress(OSError):  # the next run computes them again
            write_atomically(self._file, content)

    def encode(self, captions: Sequence[str]) -> Tensor:
        """Embeddings (b, size), on the CPU."""
        self._add(captions)
        return torch.stack([self._rows[caption] for caption in captions])

    def _add(self, captions: Sequence[str]) -> bool:
        """Compute the embeddings that are missing; whether there were any."""
        new = [caption for caption in dict.fromkeys(captions) if caption not in self._rows]
        if new:
            self._rows |= zip(new, self._encoder.encode(new).cpu(), strict=True)
        return bool(new)

    def clear(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)
