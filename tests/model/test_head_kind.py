"""Whether a head was trained as a flow or to predict noise is seen by what it makes of pure noise."""

import pytest
import torch

from mardm_batch.model.checkpoint import load_embedded
from mardm_batch.model.head_kind import head_kind
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.sampling.models.embedded import find_embedded

SIZES = MardmSizes(latent=12, text=5, width=16, layers=1, heads=2, mlp_width=24, head_width=12, head_blocks=1)


@pytest.mark.parametrize(("sign", "kind"), [(-1.0, "sit"), (1.0, "ddpm"), (0.0, None)])
def test_a_head_that_gives_back_its_noise_or_the_opposite_is_recognised(sign: float, kind: str | None) -> None:
    network = MaskedTransformer(SIZES)  # whose blocks are the identity
    head = network.head.requires_grad_(False)
    head.input_proj.weight.copy_(torch.eye(12))
    head.final_layer.linear.weight.copy_(sign * torch.eye(12))
    head.final_layer.linear.bias.fill_(3)  # the mean of the data
    assert head_kind(network.eval()) == kind


def test_a_trained_flow_is_recognised() -> None:
    assert head_kind(load_embedded(find_embedded(None)).network) == "sit"
