"""Numbers that the published ACMDM program produced, array by array; `conformance_acmdm/README.md` says what each is.

ACMDM_CONFORMANCE_DIR points the same tests at another set of the same shape.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import ACMDM_CONFORMANCE, ACMDM_WIDTH, NoText, acmdm_sizes, copy_acmdm
from torch import Tensor, nn

from mardm_batch.model.acmdm import sample_clips
from mardm_batch.model.acmdm_autoencoder import CausalAutoencoder
from mardm_batch.model.acmdm_checkpoint import LatentSpace, LoadedAcmdm, load_acmdm
from mardm_batch.model.acmdm_transformer import AcmdmSizes, AcmdmTransformer, GuidedClips
from mardm_batch.model.flow import OdeSampler
from mardm_batch.sampling.models.published_files import find_acmdm

EXACT = 1e-5  # networks and autoencoder: largest difference over the array's largest value
EULER = 2e-5  # 49 steps
ADAPTIVE = 1e-3  # dopri5, whose first step is so short that round-off decides the second
ADAPTIVE_PATCH_2 = 5e-3
PUBLISHED_SOLVER, EULER_SOLVER = OdeSampler("dopri5", 50), OdeSampler("euler", 49)

Check = tuple[str, Tensor, Tensor, float]  # name, found, expected, tolerance
Models = Mapping[str, LoadedAcmdm]
ONES = ("norm1.weight", "norm2.weight", "q_norm.weight", "k_norm.weight", "norm_final.weight")


class Arrays:
    """The arrays of one file, as tensors, that remember which were asked for."""

    def __init__(self, name: str) -> None:
        with np.load(ACMDM_CONFORMANCE / name) as file:
            self._arrays = {key: torch.from_numpy(file[key]) for key in file.files}
        self.unused = set(self._arrays)

    def __getitem__(self, name: str) -> Tensor:
        self.unused.discard(name)
        return self._arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self._arrays


def autoencoder(golden: Arrays, network: CausalAutoencoder) -> Iterator[Check]:
    yield "ae.latent", network.encode(golden["ae.motion"]), golden["ae.latent"], EXACT
    yield "ae.decoded", network.decode(golden["ae.latent"]), golden["ae.decoded"], EXACT
    if "ae.odd_motion" in golden:
        yield "ae.odd_latent", network.encode(golden["ae.odd_motion"]), golden["ae.odd_latent"], EXACT
        yield "ae.short_decoded", network.decode(golden["ae.short_latent"]), golden["ae.short_decoded"], EXACT


def velocity(golden: Arrays, network: AcmdmTransformer, name: str) -> Iterator[Check]:
    x, time, condition, lengths = (golden[f"{name}.net.{part}"] for part in ("x", "t", "cond", "lengths"))
    is_valid = torch.arange(x.shape[2]) < lengths[:, None]
    nothing = torch.zeros_like(condition)
    out, without_text = network(x, time, condition, is_valid), network(x, time, nothing, is_valid)
    yield f"{name}.net.out", out, golden[f"{name}.net.out"], EXACT
    yield f"{name}.net.out_uncond", without_text, golden[f"{name}.net.out_uncond"], EXACT
    yield f"{name}.net.out_cfg3", without_text + 3 * (out - without_text), golden[f"{name}.net.out_cfg3"], EXACT
    if f"{name}.long.x" in golden:
        x, time, condition = (golden[f"{name}.long.{part}"] for part in ("x", "t", "cond"))
        yield f"{name}.long.out", network(x, time, condition), golden[f"{name}.long.out"], EXACT


def whole_clips(golden: Arrays, model: LoadedAcmdm, name: str) -> Iterator[Check]:
    for what in ("cfg3", "cfg1", "one.cfg3", "euler.cfg3"):
        prefix = f"{name}.generate.{what}"
        if f"{prefix}.noise" not in golden:
            continue
        sampler = EULER_SOLVER if "euler" in what else PUBLISHED_SOLVER
        tolerance = EULER if "euler" in what else ADAPTIVE_PATCH_2 if name == "PS2" else ADAPTIVE
        noise, condition, lengths = (golden[f"{prefix}.{part}"] for part in ("noise", "cond", "lengths"))
        evaluations = []
        hook = model.network.final_layer.register_forward_hook(lambda *_, count=evaluations: count.append(None))
        found = sample_clips(model.network, condition, noise, 1.0 if what == "cfg1" else 3.0, sampler, lengths)
        hook.remove()
        assert len(evaluations) == int(golden[f"{prefix}.evaluations"])
        yield f"{prefix}.out", found, golden[f"{prefix}.out"], tolerance
        joints = model.to_joints(found)
        yield f"{prefix}.joints", joints, golden[f"{prefix}.joints"], tolerance
        if f"{prefix}.decoded" in golden:
            yield f"{prefix}.decoded", (joints - model.mean) / model.std, golden[f"{prefix}.decoded"], tolerance


def checks(golden: Arrays, model: LoadedAcmdm, name: str) -> Iterator[Check]:
    if name == "Flow":
        assert model.latent_space is not None
        yield from autoencoder(golden, model.latent_space.autoencoder)
    yield from velocity(golden, model.network, name)
    yield from whole_clips(golden, model, name)


def assert_close(check: Check) -> None:
    name, found, expected, tolerance = check
    assert found.shape == expected.shape, name
    assert found.dtype == expected.dtype == torch.float32
    assert float((found - expected).abs().max() / expected.abs().max()) <= tolerance, name


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = copy_acmdm(tmp_path_factory.mktemp("published"))
    return {kind: load_tiny(folder, kind) for kind in ("Flow", "Raw", "PS2")}


def load_tiny(folder: Path, kind: str) -> LoadedAcmdm:
    name = {"Flow": "ACMDM_Flow_tiny", "Raw": "ACMDM_Raw_Flow_tiny", "PS2": "ACMDM_Flow_PS2_tiny"}[kind]
    files = find_acmdm(name, folder, folder, has_latents=kind != "Raw")
    return load_acmdm(files, acmdm_sizes(kind), ACMDM_WIDTH, NoText())


@pytest.mark.parametrize("kind", ["Flow", "Raw", "PS2"])
@torch.inference_mode()
def test_tiny_published_model_gives_the_published_numbers(kind: str, models: Models) -> None:
    golden = Arrays("golden.npz")
    for check in checks(golden, models[kind], kind):
        assert_close(check)
    assert not [name for name in golden.unused if name.startswith(f"{kind}.")]


@torch.inference_mode()
def test_guidance_in_one_batch_is_that_of_both_halves(models: Models) -> None:
    golden = Arrays("golden.npz")
    x, condition, lengths = (golden[f"Flow.net.{part}"] for part in ("x", "cond", "lengths"))
    is_valid = torch.arange(x.shape[2]) < lengths[:, None]
    (guided,) = GuidedClips(models["Flow"].network, condition, 3.0, is_valid).at_timesteps(torch.tensor([[0.3]]))
    both = [models["Flow"].network(x, torch.tensor([0.3]), text, is_valid) for text in (condition, 0 * condition)]
    assert_close(("guided", guided(x), both[1] + 3 * (both[0] - both[1]), EXACT))


def recipe_weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights that the full-size arrays were made with: a stream of normal numbers for each parameter's name."""
    seed = int((ACMDM_CONFORMANCE / "seed.txt").read_text())
    weights = {}
    for name, parameter in module.named_parameters():
        stream = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
        values = stream.standard_normal(tuple(parameter.shape), np.float32)
        values *= np.float32(0.02)
        if name.endswith(ONES):
            values += 1
        weights[name] = torch.from_numpy(values)
    return weights


def by_recipe(sizes: AcmdmSizes) -> AcmdmTransformer:
    with torch.device("meta"):
        network = AcmdmTransformer(sizes)
    network.load_state_dict(recipe_weights(network), assign=True)
    return network.eval()


FULL_SIZES = {
    "ACMDM-Flow-S-PatchSize22": AcmdmSizes(),
    "ACMDM-Raw-Flow-S-PatchSize22": AcmdmSizes(channels=3, longest=196),
    "ACMDM-Flow-XL-PatchSize2": AcmdmSizes(width=1280, layers=20, feed_forward=3413, patch=2),
    "ACMDM-Raw-Flow-S-PatchSize2": AcmdmSizes(channels=3, patch=2, longest=196),
    "ACMDM-Raw-Flow-XL-PatchSize2": AcmdmSizes(
        channels=3, width=1280, layers=20, feed_forward=3413, patch=2, longest=196
    ),
}


@torch.inference_mode()
def test_full_size_networks_give_the_published_numbers(models: Models) -> None:
    golden = Arrays("golden_full.npz")
    with torch.device("meta"):
        whole = CausalAutoencoder()
    whole.load_state_dict(recipe_weights(whole), assign=True)
    tiny = models["Flow"]
    assert tiny.latent_space is not None
    latents = LatentSpace(whole.eval(), tiny.latent_space.mean, tiny.latent_space.std)
    for name, space in (("Flow", latents), ("Raw", None)):
        network = by_recipe(FULL_SIZES[f"ACMDM-{'Raw-' if space is None else ''}Flow-S-PatchSize22"])
        for check in checks(golden, LoadedAcmdm(network, space, NoText(), tiny.mean, tiny.std, ""), name):
            assert_close(check)
    assert golden.unused == set()


@pytest.mark.slow
@torch.inference_mode()
def test_the_largest_network_gives_the_published_numbers() -> None:
    golden = Arrays("golden_xl.npz")
    for check in velocity(golden, by_recipe(FULL_SIZES["ACMDM-Flow-XL-PatchSize2"]), "XL"):
        assert_close(check)
    assert golden.unused == set()


BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "AE_2D_Causal": CausalAutoencoder,
    **{name: lambda sizes=sizes: AcmdmTransformer(sizes) for name, sizes in FULL_SIZES.items()},
}


@pytest.mark.parametrize("published", BUILDERS)
def test_state_dict_has_the_published_names_and_shapes(published: str) -> None:
    expected = json.loads((ACMDM_CONFORMANCE / "state_dict_keys.json").read_text())[published]
    with torch.device("meta"):
        found = {name: list(tensor.shape) for name, tensor in BUILDERS[published]().state_dict().items()}
    assert found == expected


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("ACMDM-Flow-S-PatchSize22", 200),
        ("ACMDM-Flow-XL-PatchSize2", 1400),
        ("ACMDM-Raw-Flow-S-PatchSize22", 500),
        ("ACMDM-Raw-Flow-S-PatchSize2", 5500),
    ],
)
def test_wave_lengths_of_the_positions_follow_the_number_of_tokens(name: str, base: int) -> None:
    assert FULL_SIZES[name].rotary_base == base
