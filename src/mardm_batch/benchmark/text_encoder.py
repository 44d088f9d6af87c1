"""CLIP's text encoder at its published size, with random weights, against batches that are padded to its limit."""

import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import torch

from mardm_batch.benchmark.figures import PUBLISHED_BATCH, TextEncoderFigures
from mardm_batch.model.text import CLIP_TOKENS, ClipTextEncoder


def measure_text_encoder(captions: Sequence[str], naive_count: int, device: str) -> TextEncoderFigures | None:
    """Milliseconds per caption; the baseline encodes the first `naive_count`. None without transformers."""
    try:
        transformers: Any = import_module("transformers")
    except ImportError:
        return None
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    tower = transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(eos_token_id=WordTokenizer.end))
    tokenizer = WordTokenizer()
    encoder = ClipTextEncoder(tokenizer, tower, device)

    @torch.inference_mode()
    def encode_padded(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), PUBLISHED_BATCH):
            tokens = tokenizer(texts[start : start + PUBLISHED_BATCH])["input_ids"]
            rows = [row + [0] * (CLIP_TOKENS - len(row)) for row in tokens]
            tower(input_ids=torch.tensor(rows, device=device)).text_embeds.cpu()

    naive_ms = ms_per_caption(encode_padded, captions[:naive_count])
    return TextEncoderFigures(ms_per_caption(lambda texts: encoder.encode(texts).cpu(), captions), naive_ms)


def ms_per_caption(encode: Callable[[Sequence[str]], object], captions: Sequence[str]) -> float:
    encode(captions[:1])
    started = time.perf_counter()
    encode(captions)
    return 1000 * (time.perf_counter() - started) / len(captions)


class WordTokenizer:
    """A token for every word: about as many as CLIP's tokenizer makes, without its vocabulary."""

    start, end = 49406, 49407

    def __call__(
        self, captions: Sequence[str], truncation: bool = True, max_length: int = CLIP_TOKENS
    ) -> Mapping[str, list[list[int]]]:
        """As transformers' tokenizers are called."""
        texts = [[sum(map(ord, word)) % self.start for word in caption.split()] for caption in captions]
        return {"input_ids": [[self.start, *words[: max_length - 2], self.end] for words in texts]}
