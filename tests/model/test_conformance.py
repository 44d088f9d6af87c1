"""Numbers that the published program produced, array by array; `conformance/README.md` says what each is.

MARDM_CONFORMANCE_DIR points the same tests at another set of the same shape.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
import torch
from tests.support import CONFORMANCE, copy_published, load_tiny
from torch import Tensor, nn

from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel
from mardm_batch.model.ddpm import DIFFUSION_STEPS, AncestralSampler
from mardm_batch.model.decoding import DecodingSettings, generate_latents, mask_counts
from mardm_batch.model.features import features_to_joints
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.transformer import MAX_TOKENS, MardmSizes, MaskedTransformer, sinusoidal_positions

EXACT = 1e-5  # networks, autoencoder, joints, DDPM: largest difference over the array's largest value
INTEGRATED = 2e-4  # SiT sampling and whole decoding loops, which amplify round-off
TOKEN_COUNTS = (4, 3, 2)

Check = tuple[Tensor, Tensor, float]  # found, expected, tolerance


class Arrays:
    """The arrays of one file, as tensors, that remember which were asked for."""

    def __init__(self, name: str) -> None:
        with np.load(CONFORMANCE / name) as file:
            self._arrays = {key: torch.from_numpy(file[key]) for key in file.files}
        self.unused = set(self._arrays)

    def __getitem__(self, name: str) -> Tensor:
        self.unused.discard(name)
        return self._arrays[name]


class RecordedNoise:
    """The published program's draws, `per_step` consecutive arrays a decoding step."""

    def __init__(self, arrays: Arrays, prefix: str, per_step: int) -> None:
        self.arrays, self.prefix, self.per_step = arrays, prefix, per_step

    def order_scores(self, tokens: int) -> Tensor:
        return self.arrays[f"{self.prefix}.mask_scores"]

    def standard_normal(self, poses: Tensor, tokens: Tensor, step: int, draws: int, size: int) -> Tensor:
        numbers = range(step * self.per_step, (step + 1) * self.per_step)
        recorded = [self.arrays[f"{self.prefix}.noise{number:03d}"] for number in numbers]
        return torch.stack([each[: len(poses)] for each in recorded[:draws]], dim=1)


Models = Mapping[str, LoadedModel]


def autoencoder(golden: Arrays, models: Models) -> Iterator[Check]:
    network = models["SiT"].autoencoder
    yield network.encode(golden["ae.motion"]), golden["ae.latent"], EXACT
    yield network.decode(golden["ae.latent"]), golden["ae.decoded"], EXACT
    yield network.decode(golden["ae.short_latent"]), golden["ae.short_decoded"], EXACT


def joints(golden: Arrays, models: Models) -> Iterator[Check]:
    yield features_to_joints(golden["ric.features"]), golden["ric.joints"], EXACT


def transformer(golden: Arrays, models: Models) -> Iterator[Check]:
    latents, padding, condition = golden["fwd.latents"], golden["fwd.padding_mask"], golden["cond"]
    for flow, model in models.items():
        yield model.network(latents, condition, padding), golden[f"{flow}.fwd.z"], EXACT
        nothing = torch.zeros_like(condition)
        yield model.network(latents, nothing, padding), golden[f"{flow}.fwd.z_uncond"], EXACT


def head(golden: Arrays, models: Models) -> Iterator[Check]:
    for flow, model in models.items():
        x, time, z = (golden[f"{flow}.net.{name}"] for name in ("x", "t", "c"))
        yield model.network.head(x, time, z), golden[f"{flow}.net.out"], EXACT
        (guided,) = model.network.head.denoiser(z[:3], z[3:], guidance_scale=4.5).at_timesteps(time[None])
        yield guided(x[:3]).repeat(2, 1), golden[f"{flow}.net.out_cfg4.5"], EXACT


def sit_sampling(golden: Arrays, models: Models) -> Iterator[Check]:
    z, network = golden["SiT.sample.z"], models["SiT"].network.head
    sampler = OdeSampler("dopri5", 50)
    noise = golden["SiT.sample.cfg1.0.init_noise"][:, None]
    yield sampler.sample(network.denoiser(z, None, 1.0), noise), golden["SiT.sample.cfg1.0.out"], INTEGRATED
    noise = golden["SiT.sample.cfg4.5.init_noise"][:, None]
    found = sampler.sample(network.denoiser(z[:3], z[3:], 4.5), noise)
    yield found.repeat(2, 1), golden["SiT.sample.cfg4.5.out"], INTEGRATED


def ddpm_sampling(golden: Arrays, models: Models) -> Iterator[Check]:
    z, network = golden["DDPM.sample.z"], models["DDPM"].network.head
    sampler = AncestralSampler()

    def noise(name: str, rows: int) -> Tensor:
        start, steps = golden[f"DDPM.sample.{name}.init_noise"], golden[f"DDPM.sample.{name}.step_noise"]
        return torch.cat([start[None], steps[:-1, :rows]]).transpose(0, 1)  # the last step adds none

    found = sampler.sample(network.denoiser(z, None, 1.0), noise("cfg1.0", 6))
    yield found, golden["DDPM.sample.cfg1.0.out"], EXACT
    found = sampler.sample(network.denoiser(z[:3], z[3:], 4.5), noise("cfg4.5", 3))
    yield found, golden["DDPM.sample.cfg4.5.out"][:3], EXACT


def sit_decoding_in_10_steps(golden: Arrays, models: Models) -> Iterator[Check]:
    noise = RecordedNoise(golden, "SiT.generate10", per_step=1)
    settings = DecodingSettings(10, 4.5, OdeSampler("dopri5", 50), every_masked_token=True)
    yield from decoding(golden, models["SiT"], noise, settings)


def sit_decoding_in_18_steps(golden: Arrays, models: Models) -> Iterator[Check]:
    noise = RecordedNoise(golden, "SiT.generate18", per_step=1)
    settings = DecodingSettings(18, 4.5, OdeSampler("dopri5", 50), every_masked_token=True)
    yield from decoding(golden, models["SiT"], noise, settings)


def ddpm_decoding(golden: Arrays, models: Models) -> Iterator[Check]:
    noise = RecordedNoise(golden, "DDPM.generate6", per_step=1 + DIFFUSION_STEPS)
    settings = DecodingSettings(6, 4.5, AncestralSampler(), every_masked_token=True)
    yield from decoding(golden, models["DDPM"], noise, settings)


def decoding(golden: Arrays, model: LoadedModel, noise: RecordedNoise, settings: DecodingSettings) -> Iterator[Check]:
    latents = generate_latents(model.network, golden["cond"], TOKEN_COUNTS, noise, settings)
    yield latents, golden[f"{noise.prefix}.latents"], INTEGRATED
    yield features_to_joints(model.decode(latents)), golden[f"{noise.prefix}.joints"], INTEGRATED


Part = Callable[[Arrays, Models], Iterator[Check]]
PARTS: list[Part] = [
    autoencoder,
    joints,
    transformer,
    head,
    sit_sampling,
    ddpm_sampling,
    sit_decoding_in_10_steps,
    sit_decoding_in_18_steps,
    ddpm_decoding,
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = copy_published(tmp_path_factory.mktemp("published"))
    return {"SiT": load_tiny(folder, "sit"), "DDPM": load_tiny(folder, "ddpm")}


def assert_close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == torch.float32
    assert float((found - expected).abs().max() / expected.abs().max()) <= tolerance


@pytest.mark.parametrize("part", PARTS)
@torch.inference_mode()
def test_tiny_published_model_gives_the_published_numbers(part: Part, models: Models) -> None:
    for found, expected, tolerance in part(Arrays("golden.npz"), models):
        assert_close(found, expected, tolerance)


@torch.inference_mode()
def test_no_array_of_the_tiny_models_is_left_out(models: Models) -> None:
    golden = Arrays("golden.npz")
    for part in PARTS:
        list(part(golden, models))
    assert golden.unused == set()


def recipe_weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights that `golden_xl.npz` was made with: a stream of normal numbers for each parameter's name."""
    seed = int((CONFORMANCE / "seed.txt").read_text())
    weights = {}
    for name, parameter in module.named_parameters():
        stream = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
        values = stream.standard_normal(tuple(parameter.shape), np.float32)
        values *= np.float32(0.02)
        if name.endswith("in_ln.weight"):
            values += 1
        weights[name] = torch.from_numpy(values)
    return weights


@torch.inference_mode()
def test_full_size_networks_give_the_published_numbers() -> None:
    golden = Arrays("golden_xl.npz")
    with torch.device("meta"):
        autoencoder, network = Autoencoder(), MaskedTransformer(MardmSizes())
    autoencoder.load_state_dict(recipe_weights(autoencoder), assign=True)
    positions = {"position_enc.pe": sinusoidal_positions(MAX_TOKENS, network.sizes.width)}
    network.load_state_dict(recipe_weights(network) | positions, assign=True)

    assert_close(autoencoder.eval().decode(golden["ae.latent"]), golden["ae.decoded"], EXACT)
    for flow in ("SiT", "DDPM"):  # which differ in what their head is trained for, not in their layers
        z = network.eval()(golden["latents"], golden["cond"], golden["padding_mask"])
        assert_close(z, golden[f"{flow}.z"], EXACT)
        rows = golden[f"{flow}.z"][:, :2].reshape(4, -1)
        out = network.head(golden[f"{flow}.x"], golden[f"{flow}.t"], rows)
        assert_close(out, golden[f"{flow}.net_out"], EXACT)
    assert golden.unused == set()


@pytest.mark.parametrize(
    ("published", "build"),
    [
        ("AE_humanml3d", lambda: Autoencoder()),
        ("AE_kit", lambda: Autoencoder(feature_size=64)),
        ("MARDM-SiT-XL", lambda: MaskedTransformer(MardmSizes(flow="sit"))),
        ("MARDM-DDPM-XL", lambda: MaskedTransformer(MardmSizes(flow="ddpm"))),
    ],
)
def test_state_dict_has_the_published_names_and_shapes(published: str, build: Callable[[], nn.Module]) -> None:
    expected = json.loads((CONFORMANCE / "state_dict_keys.json").read_text())[published]
    with torch.device("meta"):
        found = {name: list(tensor.shape) for name, tensor in build().state_dict().items()}
    assert found == expected


def test_as_many_tokens_are_masked_in_each_step_as_published() -> None:
    published = json.loads((CONFORMANCE / "mask_counts.json").read_text())
    found = {}
    for name in published:
        time_steps, tokens = map(int, re.fullmatch(r"steps(\d+)_tokens(\d+)", name).groups())
        found[name] = mask_counts(time_steps, torch.tensor([tokens]))[:, 0].tolist()
    assert found == published
