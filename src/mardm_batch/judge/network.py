"""The judge's network: captions to logits of conditions. Axes: b captions, w words, d channels, k conditions.

Two convolutions over the words and the largest value of each channel over a caption: a phrase counts wherever in the
caption it stands. In NumPy, over all words of all captions at once; `train.judge_network` trains the same in torch.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.language.words import split_words, stem

Array = NDArray[np.float32]

MAX_WORDS: Final = 64
"""Words of a caption that are read; the rest is cut."""
PADDING, START, UNKNOWN = range(3)
SPECIAL_TOKENS: Final = 3
"""Token numbers of padding, start and unknown word, before those of the vocabulary."""
KERNELS: Final = (3, 5)
"""Words that the first and the second convolution see at once."""
_GAP: Final = max(KERNELS) // 2
"""Paddings between two captions, so that no convolution sees words of both."""


class Tokenizer:
    """Captions to token numbers by the stems of their words."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.numbers = {word: SPECIAL_TOKENS + place for place, word in enumerate(vocabulary)}

    def tokenize(self, caption: str) -> list[int]:
        """Token numbers of a caption, a start token first."""
        words = split_words(caption)[:MAX_WORDS]
        return [START, *(self.numbers.get(stem(word), UNKNOWN) for word in words)]


def stream_of(tokens: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """The tokens of all captions one after the other, with paddings between them and at both ends."""
    between = [PADDING] * _GAP
    return np.array([*between, *(number for row in tokens for number in (*row, *between))], np.intp)


class CaptionNetwork:
    """`weights` by name: `words` (tokens, d); `first`, `second` (d_out, kernel * d_in), `third` (d_out, d_in) and
    `last` (k, d), each of the latter with its `_bias`; float32."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}

    def logits(self, tokens: Sequence[Sequence[int]]) -> Array:
        """Token numbers of captions, each at least one → (b, k)."""
        if not tokens:
            return np.zeros((0, len(self.weights["last"])), np.float32)
        stream = stream_of(tokens)
        present = stream != PADDING
        x = self.weights["words"][stream]
        x[~present] = 0.0
        x = self._relu("first", _windows(x, KERNELS[0]))
        x[~present] = 0.0
        x = (x + self._relu("second", _windows(x, KERNELS[1])))[present]
        starts = np.cumsum([0, *map(len, tokens[:-1])])
        pooled = np.maximum.reduceat(self._relu("third", x), starts, axis=0)  # (b, d)
        return self._linear("last", pooled)

    def _linear(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self.weights[name].T + self.weights[f"{name}_bias"])

    def _relu(self, name: str, x: Array) -> Array:
        return np.maximum(self._linear(name, x), 0.0)


def _windows(x: Array, kernel: int) -> Array:
    """The neighbours of each word (w, d) beside each other (w, kernel * d); zeros beyond both ends."""
    padded = np.pad(x, ((kernel // 2, kernel // 2), (0, 0)))
    return np.concatenate([padded[shift : shift + len(x)] for shift in range(kernel)], axis=1)
