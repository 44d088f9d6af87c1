"""Random numbers for the decoding loop, as an argument. Axes: b poses, n rows (tokens to sample), d channels.

Keyed noise depends on the pose's key, the token and the decoding step alone, so that a pose does not depend
on its batch, its shard or the device.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

_ORDER, _DRAWS = 0, 1  # last word of the counter: the purpose of the numbers
_WORD: Final = 2**64 - 1


class Noise(Protocol):
    """The random numbers of the decoding loop."""

    def order_scores(self, tokens: int) -> Tensor:
        """Uniform scores (b, tokens), float32 on the CPU: tokens with low scores stay masked longest."""
        ...

    def standard_normal(self, poses: Tensor, tokens: Tensor, step: int, draws: int, size: int) -> Tensor:
        """Draws (n, draws, size), float32 on the CPU, for tokens (n,) of poses (n,) in a decoding step."""
        ...


class KeyedNoise:
    """Noise from a counter-based generator (Philox): the pose's key, and token and step in the counter."""

    def __init__(self, keys: Sequence[int]) -> None:
        self._keys = [(key & _WORD, key >> 64) for key in keys]
        self.random_bits = np.array([key >> 127 == 1 for key in keys])
        """(b,) bool: a random bit for each pose, from its key."""
        self._philox = np.random.Philox(0)
        self._generator = np.random.Generator(self._philox)
        self._state = self._philox.state

    def order_scores(self, tokens: int) -> Tensor:
        """See `Noise.order_scores`."""
        scores = np.empty((len(self._keys), tokens), np.float32)
        for pose, row in enumerate(scores):
            self._move_to(pose, 0, 0, _ORDER)
            self._generator.random(dtype=np.float32, out=row)
        return torch.from_numpy(scores)

    def standard_normal(self, poses: Tensor, tokens: Tensor, step: int, draws: int, size: int) -> Tensor:
        """See `Noise.standard_normal`."""
        noise = np.empty((len(poses), draws * size), np.float32)
        for row, pose, token in zip(noise, poses.tolist(), tokens.tolist(), strict=True):
            self._move_to(pose, token, step, _DRAWS)
            self._generator.standard_normal(dtype=np.float32, out=row)
        return torch.from_numpy(noise.reshape(-1, draws, size))

    def _move_to(self, pose: int, token: int, step: int, purpose: int) -> None:
        # Moving one generator is several times cheaper than building one for each row.
        self._state["state"]["key"][:] = self._keys[pose]
        self._state["state"]["counter"][:] = (0, token, step, purpose)
        self._philox.state = self._state
