"""The decoding loop and its noise: who depends on what, and that the shortcut changes nothing."""

import dataclasses

import pytest
import torch
from torch import Tensor

from mardm_batch.model.ddpm import AncestralSampler
from mardm_batch.model.decoding import DecodingSettings, Sampler, generate_latents, mask_counts
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.noise import KeyedNoise
from mardm_batch.model.noise_keys import noise_key
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer, WordKeys

SIZES = MardmSizes(latent=8, text=6, width=16, layers=2, heads=2, mlp_width=24, head_width=16, head_blocks=2)
CAPTIONS = ["sitting", "standing", "kneeling", "waving"]
SOLVER_STEPS = 4
MIDPOINT = DecodingSettings(time_steps=18, guidance_scale=3.0, sampler=OdeSampler("midpoint", SOLVER_STEPS))


@pytest.fixture(scope="module")
def network() -> MaskedTransformer:
    """Random weights everywhere: as initialised for training the head would answer zero to everything."""
    generator = torch.Generator().manual_seed(5)
    network = MaskedTransformer(SIZES).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return network


def conditions(captions: list[str]) -> Tensor:
    seeds = [noise_key(0, caption) % 2**32 for caption in captions]
    return torch.stack([torch.randn(SIZES.text, generator=torch.Generator().manual_seed(s)) for s in seeds])


def generate(
    network: MaskedTransformer,
    captions: list[str],
    settings: DecodingSettings = MIDPOINT,
    token_counts: list[int] | None = None,
    seed: int = 1,
) -> Tensor:
    noise = KeyedNoise([noise_key(seed, caption) for caption in captions])
    counts = token_counts or [4] * len(captions)
    return generate_latents(network, conditions(captions).to(network.mask_latent), counts, noise, settings)


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("sampler", [OdeSampler("adams", 6), OdeSampler("midpoint", 4), AncestralSampler(0.7)])
@pytest.mark.parametrize("guidance_scale", [1.0, 4.5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_sampling_each_token_once_gives_the_plain_loops_latents(
    network: MaskedTransformer, sampler: Sampler, guidance_scale: float, dtype: torch.dtype, tolerance: float
) -> None:
    once = DecodingSettings(10, guidance_scale, sampler)
    plain = dataclasses.replace(once, every_masked_token=True)
    try:
        network.to(dtype)
        found, expected = (generate(network, CAPTIONS, each, [7, 4, 1, 7]) for each in (once, plain))
    finally:
        network.to(torch.float32)
    assert relative(found, expected) < tolerance


def decode_as_described(
    network: MaskedTransformer, caption: str, tokens: int, time_steps: int, guidance_scale: float, noise: KeyedNoise
) -> Tensor:
    """The published loop word by word, for one pose, by the networks' plain forward passes; midpoint steps.

    Returns:
        Latents (d, t).
    """
    condition, padding = conditions([caption]).to(network.mask_latent), torch.zeros(1, tokens, dtype=torch.bool)
    order = noise.order_scores(tokens)[0].argsort(stable=True).tolist()
    latents = condition.new_zeros(1, tokens, SIZES.latent)
    for step, (count,) in enumerate(mask_counts(time_steps, torch.tensor([tokens])).tolist()):
        masked = sorted(order[:count])
        visible = latents.clone()
        visible[0, masked] = network.mask_latent[0, 0]
        z = network(visible, condition, padding)[0, masked]
        without = network(visible, torch.zeros_like(condition), padding)[0, masked]

        def velocity(x: Tensor, time: float, z: Tensor = z, without: Tensor = without) -> Tensor:
            times = x.new_full((len(x),), time)
            unconditional = network.head(x, times, without)
            return unconditional + guidance_scale * (network.head(x, times, z) - unconditional)

        poses = torch.zeros(count, dtype=torch.long)
        x = noise.standard_normal(poses, torch.tensor(masked), step, 1, SIZES.latent)[:, 0].to(latents)
        length = 1 / SOLVER_STEPS
        for number in range(SOLVER_STEPS):
            start = number * length
            x = x + length * velocity(x + length / 2 * velocity(x, start), start + length / 2)
        latents[0, masked] = x
    return latents[0].T


@pytest.mark.parametrize("guidance_scale", [1.0, 4.5])
@torch.inference_mode()
def test_the_loop_is_the_described_one_at_any_length(network: MaskedTransformer, guidance_scale: float) -> None:
    counts, captions = [10, 5], CAPTIONS[:2]
    once = dataclasses.replace(MIDPOINT, time_steps=12, guidance_scale=guidance_scale)
    plain = dataclasses.replace(once, every_masked_token=True)
    try:
        network.double()
        found = [generate(network, captions, settings, counts) for settings in (once, plain)]
        for place, (caption, tokens) in enumerate(zip(captions, counts, strict=True)):
            noise = KeyedNoise([noise_key(1, caption)])
            expected = decode_as_described(network, caption, tokens, 12, guidance_scale, noise)
            assert all(relative(each[place, :, :tokens], expected) < 1e-11 for each in found)
    finally:
        network.float()


def test_the_shortcut_samples_each_token_once_and_skips_steps(network: MaskedTransformer) -> None:
    rows, runs = [], []
    hooks = [
        network.head.final_layer.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0]))),
        network.input_process.poseEmbedding.register_forward_pre_hook(lambda _, inputs: runs.append(len(inputs[0]))),
    ]
    generate(network, CAPTIONS[:2], dataclasses.replace(MIDPOINT, sampler=OdeSampler("euler", 1)))
    for hook in hooks:
        hook.remove()
    assert rows == [4, 4, 4, 4]  # one token of two poses, conditional and unconditional
    assert runs == [3, 4, 4, 4]  # while all tokens are masked, one pose without its text stands for both


def test_without_guidance_nothing_is_computed_unconditionally(network: MaskedTransformer) -> None:
    runs = []
    hook = network.input_process.poseEmbedding.register_forward_pre_hook(lambda _, inputs: runs.append(len(inputs[0])))
    generate(network, CAPTIONS, dataclasses.replace(MIDPOINT, guidance_scale=1.0))
    hook.remove()
    assert set(runs) == {len(CAPTIONS)}


def test_guidance_near_one_is_continuous_with_none(network: MaskedTransformer) -> None:
    none, nearly = (
        generate(network, CAPTIONS, dataclasses.replace(MIDPOINT, guidance_scale=scale)) for scale in (1.0, 1.000001)
    )
    assert relative(nearly, none) < 1e-4


@pytest.mark.parametrize("sampler", [OdeSampler("midpoint", 4), AncestralSampler()])
def test_a_pose_does_not_depend_on_its_batch(network: MaskedTransformer, sampler: Sampler) -> None:
    settings = dataclasses.replace(MIDPOINT, sampler=sampler)
    together = generate(network, CAPTIONS, settings)
    backwards = generate(network, CAPTIONS[::-1], settings).flip(0)
    alone = torch.cat([generate(network, [caption], settings) for caption in CAPTIONS])
    assert relative(backwards, together) < 1e-5
    assert relative(alone, together) < 1e-5


def test_seed_and_caption_change_a_pose(network: MaskedTransformer) -> None:
    first, same, other_seed = (generate(network, CAPTIONS, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert relative(other_seed, first) > 0.01
    assert relative(first[1], first[0]) > 0.01


def test_shorter_poses_end_in_zeros_and_do_not_depend_on_the_longest(network: MaskedTransformer) -> None:
    mixed = generate(network, CAPTIONS, token_counts=[7, 4, 1, 7])
    assert mixed.shape == (4, SIZES.latent, 7)
    assert torch.equal(mixed[1, :, 4:], torch.zeros(SIZES.latent, 3))
    alone = generate(network, CAPTIONS[1:2], token_counts=[4])
    assert relative(mixed[1:2, :, :4], alone) < 1e-5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("sampler", [OdeSampler("midpoint", 4), AncestralSampler()])
def test_cuda_gives_the_latents_of_the_cpu(network: MaskedTransformer, sampler: Sampler) -> None:
    settings = dataclasses.replace(MIDPOINT, sampler=sampler)
    expected = generate(network, CAPTIONS, settings)
    try:
        found = generate(network.cuda(), CAPTIONS, settings)
    finally:
        network.cpu()
    assert found.is_cuda
    assert relative(found.cpu(), expected) < 1e-4


def test_one_decoding_step_samples_all_tokens(network: MaskedTransformer) -> None:
    one_step = generate(network, CAPTIONS, dataclasses.replace(MIDPOINT, time_steps=1))
    assert (one_step.abs().sum(dim=1) > 0).all()


def test_mask_counts_never_grow_and_start_from_all_tokens() -> None:
    tokens = torch.arange(1, 50)
    for time_steps in (1, 2, 10, 18, 50, 333):
        counts = mask_counts(time_steps, tokens)
        assert counts.shape == (time_steps, 49)
        assert torch.equal(counts[0], tokens)
        assert (counts.diff(dim=0) <= 0).all()
        assert (counts >= 1).all()
        if time_steps > 1:
            assert (counts[-1] == 1).all()


def test_keys_differ_in_seed_caption_and_attempt() -> None:
    keys = {
        noise_key(seed, caption, attempt) for seed in (1, 11) for caption in ("a", "1/a", "坐") for attempt in (0, 1)
    }
    assert len(keys) == 12
    assert max(keys) < 2**128


def test_draws_depend_on_key_token_and_step_alone() -> None:
    keys = [noise_key(3, caption) for caption in CAPTIONS]
    poses, tokens = torch.tensor([0, 1, 3]), torch.tensor([2, 0, 2])
    draws = KeyedNoise(keys).standard_normal(poses, tokens, step=5, draws=3, size=7)
    assert draws.shape == (3, 3, 7)
    assert draws.dtype == torch.float32
    again = KeyedNoise(keys[3:])
    again.order_scores(11)
    assert torch.equal(again.standard_normal(torch.tensor([0]), torch.tensor([2]), 5, 3, 7)[0], draws[2])
    others = [
        again.standard_normal(torch.tensor([0]), torch.tensor([token]), step, 3, 7)[0]
        for token, step in ((2, 4), (5, 2), (1, 5))
    ]
    for one in (*others, draws[0], draws[1]):
        assert not torch.isin(one, draws[2]).any()


def test_draws_are_standard_normal_and_order_scores_uniform() -> None:
    noise = KeyedNoise([noise_key(0, str(number)) for number in range(200)])
    draws = noise.standard_normal(torch.arange(200), torch.zeros(200, dtype=torch.long), 0, 2, 100)
    assert abs(float(draws.mean())) < 0.02
    assert abs(float(draws.std()) - 1) < 0.02
    assert abs(float(draws[:, 0].flatten() @ draws[:, 1].flatten()) / draws[:, 0].numel()) < 0.02
    scores = noise.order_scores(16)
    assert abs(float(scores.mean()) - 0.5) < 0.02
    assert float(scores.min()) >= 0
    assert float(scores.max()) < 1


def test_order_of_a_token_does_not_depend_on_how_many_there_are() -> None:
    noise = KeyedNoise([noise_key(0, caption) for caption in CAPTIONS])
    assert torch.equal(noise.order_scores(8)[:, :4], noise.order_scores(4))


WORDS = 10


@pytest.fixture(scope="module")
def reading_network() -> MaskedTransformer:
    """Random weights; its tokens attend to words."""
    generator = torch.Generator().manual_seed(6)
    network = MaskedTransformer(dataclasses.replace(SIZES, words=WORDS)).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return network


def words_of(network: MaskedTransformer, captions: list[str]) -> list[WordKeys]:
    """As many words as the caption has letters."""
    present = torch.arange(max(map(len, captions))) < torch.tensor([len(caption) for caption in captions])[:, None]
    words = torch.full((*present.shape, WORDS), 7.0)
    for row, caption in enumerate(captions):
        generator = torch.Generator().manual_seed(noise_key(0, caption) % 2**32)
        words[row, : len(caption)] = torch.randn(len(caption), WORDS, generator=generator)
    return network.word_keys(words, present)


def generate_reading(network: MaskedTransformer, captions: list[str], words: list[WordKeys]) -> Tensor:
    noise = KeyedNoise([noise_key(1, caption) for caption in captions])
    return generate_latents(network, conditions(captions), [4] * len(captions), noise, MIDPOINT, words)


def test_tokens_attend_to_the_words_of_their_own_caption(reading_network: MaskedTransformer) -> None:
    together = generate_reading(reading_network, CAPTIONS, words_of(reading_network, CAPTIONS))
    for row, caption in enumerate(CAPTIONS):
        alone = generate_reading(reading_network, [caption], words_of(reading_network, [caption]))
        assert relative(together[row], alone[0]) < 1e-5
    exchanged = generate_reading(reading_network, CAPTIONS, words_of(reading_network, CAPTIONS[::-1]))
    assert relative(together, exchanged) > 1e-2


def test_without_a_caption_words_add_nothing(reading_network: MaskedTransformer) -> None:
    latents, padding = torch.randn(2, 4, SIZES.latent), torch.zeros(2, 4, dtype=torch.bool)
    condition = torch.zeros(2, SIZES.text)
    words = words_of(reading_network, CAPTIONS[:2])
    unread = reading_network(latents, condition, padding)
    kept = torch.tensor([True, False])
    read = reading_network(latents, condition, padding, [each.kept(kept) for each in words])
    torch.testing.assert_close(read[1], unread[1])
    assert relative(read[0], unread[0]) > 1e-2


def test_an_untrained_network_adds_nothing_of_the_words() -> None:
    network = MaskedTransformer(dataclasses.replace(SIZES, words=WORDS)).eval()
    latents, padding = torch.randn(2, 4, SIZES.latent), torch.zeros(2, 4, dtype=torch.bool)
    condition = torch.zeros(2, SIZES.text)
    read = network(latents, condition, padding, words_of(network, CAPTIONS[:2]))
    torch.testing.assert_close(read, network(latents, condition, padding))
