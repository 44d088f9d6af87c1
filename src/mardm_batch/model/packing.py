"""Linear layers whose weights lie in memory as the CPU's matrix products want them.

oneDNN and MKL arrange a weight at every call; with few rows, as in small batches, that takes as long as the product
itself. Here it is done once. For inference alone: what is packed can neither be trained nor saved.
"""

from typing import Final, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_WEIGHTS: Final = 1 << 20
"""Of a layer that is packed; smaller ones gain nothing."""
_ROWS: Final = 64
"""For which oneDNN chooses the arrangement; other numbers of rows are computed with it too."""
_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 2e-2}
"""By which a packed layer may differ from a plain one, beside the largest number."""

Network = TypeVar("Network", bound=nn.Module)


class PackedLinear(nn.Module):
    """A linear layer with packed weights. Raises RuntimeError or AttributeError where torch cannot pack them."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.bias = layer.bias
        self.packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), _ROWS)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
        return out


def for_inference(network: Network, precision: str) -> Network:
    """The network in `float32` or `bfloat16`; on a CPU with its large linear layers packed, where torch can do that."""
    network.to(getattr(torch, precision))
    if next(network.parameters()).device.type == "cpu":
        _pack(network)
    return network


@torch.inference_mode()
def _pack(network: nn.Module) -> None:
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear and layer.weight.numel() >= LEAST_WEIGHTS:
                try:
                    packed = PackedLinear(layer)
                    is_same = _computes_the_same(packed, layer)
                except (RuntimeError, AttributeError):  # another build of torch
                    return
                if is_same:
                    setattr(parent, name, packed)


def _computes_the_same(packed: PackedLinear, layer: nn.Linear) -> bool:
    x = torch.linspace(-1.0, 1.0, 2 * layer.in_features, dtype=layer.weight.dtype).view(2, -1)
    expected = F.linear(x, layer.weight, layer.bias)
    difference = (packed(x) - expected).abs().max()
    return bool(difference <= _TOLERANCE[x.dtype] * expected.abs().max())
