"""The embedded model's own text encoder: a small transformer over the stems of a caption's words.

It stands where the published model has CLIP's text tower: captions in, out a vector for each and its words in
their context, to which the transformer attends too. It is
trained together with the masked transformer and knows only the words of its training captions; every other
word is one and the same unknown token. Axes: b captions, w words, d channels.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mardm_batch.language.words import MAX_WORDS, has_known_word, split_words, stem, whole_words

_PADDING, _START, _UNKNOWN = range(3)
SPECIAL_TOKENS: Final = 3
"""Token numbers of padding, start and unknown word, before those of the vocabulary."""
_LENGTH_GROUPS: Final = 4
"""Number of groups of similar length that a batch is encoded in."""


def build_vocabulary(captions: Iterable[str], size: int) -> tuple[str, ...]:
    """The most frequent stems of the captions, at most `size`, the most frequent first."""
    counts = Counter(stem(word) for caption in captions for word in split_words(caption))
    return tuple(word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size])


@dataclass(frozen=True)
class ReadCaptions:
    """Captions as the encoder reads them.

    Attributes:
        vectors: (b, size).
        words: (b, 1 + w, width), a start token first; what they are where nothing is present has no meaning.
        present: (b, 1 + w), False where padded.
    """

    vectors: Tensor
    words: Tensor
    present: Tensor


class WordEncoder(nn.Module):
    """Captions → vectors and words, a `TextEncoder`. What is read of one does not depend on the other captions.

    `vocabulary` are stems; `word_dropout` is the share of words that training mode makes unknown, so that
    a caption with words never seen still gives its best pose. `WordEncoder(vocabulary,
    **encoder.sizes)` has the same shapes as `encoder`.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        size: int = 256,
        width: int = 192,
        layers: int = 3,
        heads: int = 4,
        readers: int = 4,
        word_dropout: float = 0.05,
    ) -> None:
        super().__init__()
        self.vocabulary = tuple(vocabulary)
        self.size = size
        self.sizes = {"size": size, "width": width, "layers": layers, "heads": heads, "readers": readers}
        self.word_dropout = word_dropout
        self.token_numbers = {word: SPECIAL_TOKENS + i for i, word in enumerate(self.vocabulary)}
        self.words = nn.Embedding(SPECIAL_TOKENS + len(self.vocabulary), width)
        self.positions = nn.Embedding(1 + MAX_WORDS, width)
        self.neighbours = nn.Conv1d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.readers = nn.Linear(width, readers)
        self.project = nn.Sequential(nn.Linear(readers * width, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        nn.init.normal_(self.words.weight, std=0.5)
        nn.init.normal_(self.positions.weight, std=0.1)

    def unknown_words(self, caption: str) -> list[str]:
        """The words that are not in the vocabulary, each once, in the order and case of the caption."""
        unknown = dict.fromkeys(word for word in whole_words(caption) if stem(word.lower()) not in self.token_numbers)
        return list(unknown)

    def knows_a_word(self, caption: str) -> bool:
        """Whether one of the words that are read of the caption is in the vocabulary."""
        return has_known_word(caption, self.token_numbers)

    def tokenize(self, captions: Sequence[str]) -> Tensor:
        """Token numbers (b, 1 + w), a start token first, padded to the longest caption."""
        rows = [
            [_START, *(self.token_numbers.get(stem(word), _UNKNOWN) for word in split_words(caption)[:MAX_WORDS])]
            for caption in captions
        ]
        tokens = torch.full((len(rows), max(map(len, rows), default=1)), _PADDING)
        for row, numbers in zip(tokens, rows, strict=True):
            row[: len(numbers)] = torch.tensor(numbers)
        return tokens

    def forward(self, tokens: Tensor) -> ReadCaptions:
        """Of token numbers (b, 1 + w)."""
        present = tokens != _PADDING
        if self.training and self.word_dropout:
            dropped = torch.rand(tokens.shape, device=tokens.device) < self.word_dropout
            tokens = tokens.masked_fill(dropped & (tokens > _START), _UNKNOWN)
        x = self.words(tokens) * present[..., None]
        # "left hand" is not "left" and "hand": the meaning of a word depends on its neighbours
        x = x + self.neighbours(x.transpose(1, 2)).transpose(1, 2) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, present)
        x = self.norm(x)
        # Each reader weights the words by itself, so that one part of a long caption is not averaged away.
        shares = self.readers(x).masked_fill(~present[..., None], -torch.inf).softmax(dim=1)  # (b, 1 + w, readers)
        return ReadCaptions(self.project((shares.transpose(1, 2) @ x).flatten(1)), x, present)

    @torch.inference_mode()
    def encode(self, captions: Sequence[str]) -> Tensor:
        """Captions → vectors (b, size)."""
        return self.read(captions).vectors

    @torch.inference_mode()
    def read(self, captions: Sequence[str]) -> ReadCaptions:
        """Captions → vectors and words."""
        return self.forward_by_length(self.tokenize(captions).to(self.words.weight.device))

    def forward_by_length(self, tokens: Tensor) -> ReadCaptions:
        """`forward` in groups of similar length: padding costs as much as words."""
        lengths = (tokens != _PADDING).sum(dim=1)
        order = lengths.argsort(stable=True)
        groups = [self(tokens[rows, : int(lengths[rows].max())]) for rows in order.chunk(_LENGTH_GROUPS)]
        back, longest = order.argsort(), int(lengths.max())
        return ReadCaptions(
            vectors=torch.cat([group.vectors for group in groups])[back],
            words=torch.cat(
                [functional.pad(group.words, (0, 0, 0, longest - group.words.shape[1])) for group in groups]
            )[back],
            present=(tokens != _PADDING)[:, :longest],
        )


class _Block(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """x (b, w, d), present (b, w) False where padded → (b, w, d)."""
        rows, words, width = x.shape
        projected = self.query_key_value(self.norm1(x)).reshape(rows, words, 3, self.heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        x = x + self.attended(mixed.transpose(1, 2).reshape(rows, words, width))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out
