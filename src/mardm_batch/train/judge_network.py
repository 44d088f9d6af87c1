"""The judge's network in torch, to be trained; `judge.network` computes the same. Axes: w words, d channels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mardm_batch.judge.network import KERNELS, PADDING, SPECIAL_TOKENS, START, UNKNOWN, Array, stream_of


class TrainedCaptionNetwork(nn.Module):
    """See `judge.network.CaptionNetwork`."""

    def __init__(self, vocabulary: int, outputs: int, word_width: int, width: int, features: int) -> None:
        super().__init__()
        self.words = nn.Embedding(SPECIAL_TOKENS + vocabulary, word_width)
        self.first = nn.Linear(KERNELS[0] * word_width, width)
        self.second = nn.Linear(KERNELS[1] * width, width)
        self.third = nn.Linear(width, features)
        self.last = nn.Linear(features, outputs)
        nn.init.normal_(self.words.weight, std=0.5)
        nn.init.constant_(self.last.bias, -4.0)  # few conditions are stated

    def forward(self, tokens: Sequence[Sequence[int]], word_dropout: float = 0.0) -> Tensor:
        """Token numbers of captions → logits (b, k). `word_dropout`: share of words that become unknown."""
        stream = torch.from_numpy(stream_of(tokens))
        present = stream != PADDING
        if word_dropout:
            dropped = torch.rand(stream.shape) < word_dropout
            stream = stream.masked_fill(dropped & (stream > START), UNKNOWN)
        x = self.words(stream) * present[:, None]
        x = functional.relu(self.first(_windows(x, KERNELS[0]))) * present[:, None]
        x = (x + functional.relu(self.second(_windows(x, KERNELS[1]))))[present]
        x = functional.relu(self.third(x))
        lengths = torch.tensor([len(row) for row in tokens])
        pooled = torch.segment_reduce(x, "max", lengths=lengths, axis=0)
        logits: Tensor = self.last(functional.dropout(pooled, 0.1, self.training))
        return logits

    def weights(self) -> dict[str, Array]:
        """The weights by the names of `CaptionNetwork`."""
        weights: dict[str, Array] = {"words": self.words.weight.detach().numpy()}
        for name in ("first", "second", "third", "last"):
            layer: nn.Linear = getattr(self, name)
            weights[name], weights[f"{name}_bias"] = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        return weights


def _windows(x: Tensor, kernel: int) -> Tensor:
    padded = functional.pad(x, (0, 0, kernel // 2, kernel // 2))
    return torch.cat([padded[shift : shift + len(x)] for shift in range(kernel)], dim=1)
