"""Linear layers packed for the CPU: the same numbers, and plain ones where torch cannot pack."""

import pytest
import torch
from torch import nn

from mardm_batch.model import packing
from mardm_batch.model.packing import PackedLinear, for_inference

PRECISIONS = {"float32": 1e-4, "bfloat16": 2e-2}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(1024, 1024), nn.GELU(), nn.Linear(1024, 2048, bias=False), nn.Linear(2048, 8))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("rows", [(1,), (64,), (200,), (2, 5), (0,)])
@torch.inference_mode()
def test_packed_layers_compute_the_same(precision: str, rows: tuple[int, ...]) -> None:
    plain = network().to(getattr(torch, precision))
    packed = network()
    packed.load_state_dict(plain.state_dict())
    packed = for_inference(packed, precision)
    assert [type(layer) for layer in packed] == [PackedLinear, nn.GELU, PackedLinear, nn.Linear]
    x = torch.randn(*rows, 1024).to(getattr(torch, precision))
    expected, found = plain(x), packed(x)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    largest = float(expected.abs().max()) if expected.numel() else 1.0
    torch.testing.assert_close(found, expected, rtol=0.0, atol=PRECISIONS[precision] * largest)


@pytest.mark.parametrize("problem", [RuntimeError, AttributeError])
def test_where_torch_cannot_pack_layers_stay(monkeypatch: pytest.MonkeyPatch, problem: type[Exception]) -> None:
    def refuse(layer: nn.Linear) -> PackedLinear:
        raise problem("no such operator")

    monkeypatch.setattr(packing, "PackedLinear", refuse)
    assert all(type(layer) in (nn.Linear, nn.GELU) for layer in for_inference(network(), "float32"))


def test_layers_that_would_compute_something_else_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackedLinear, "forward", lambda self, x: torch.zeros(*x.shape[:-1], self.packed.shape[0]))
    assert all(type(layer) in (nn.Linear, nn.GELU) for layer in for_inference(network(), "float32"))
