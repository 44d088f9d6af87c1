"""Whether a network's head was trained as a flow (SiT) or to predict noise (DDPM): names and shapes do not tell."""

from typing import Final, Literal

import torch
import torch.nn.functional as F

from mardm_batch.model.ddpm import DIFFUSION_STEPS
from mardm_batch.model.transformer import MaskedTransformer

_ROWS: Final = 64
_CLEAR: Final = 0.5
"""Correlation from which on the answer is clear: trained heads are near 1, random ones near 0."""


@torch.inference_mode()
def head_kind(network: MaskedTransformer) -> Literal["sit", "ddpm"] | None:
    """What the head was trained for; None where its answer to pure noise does not tell, as with random weights.

    The velocity of pure noise is the data less the noise, and the noise in it is all of it: for one and the same token
    the prediction falls with the noise where the head is a flow, and grows with it where it predicts noise.
    """
    device = network.mask_latent.device
    noise = torch.randn(_ROWS, network.sizes.latent, generator=torch.Generator().manual_seed(0)).to(device)
    latents = network.mask_latent.expand(1, 1, -1)
    padding = torch.zeros(1, 1, dtype=torch.bool, device=device)
    z = network(latents, torch.zeros(1, network.sizes.text, device=device), padding)[0].expand(_ROWS, -1)

    def correlation(time: float) -> float:
        predicted = network.head(noise, torch.full((1,), time, device=device), z)
        of_prediction, of_noise = ((each - each.mean(dim=0)).flatten() for each in (predicted, noise))
        return float(F.cosine_similarity(of_prediction, of_noise, dim=0))

    as_flow, as_noise = correlation(0.0), correlation(DIFFUSION_STEPS - 1.0)
    if as_flow < -_CLEAR:
        return "sit"
    return "ddpm" if as_noise > _CLEAR else None
