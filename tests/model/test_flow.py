"""The two flows of the head (SiT and DDPM): sampling, losses, and what a training step of the network sees."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from mardm_batch.errors import ConfigurationError
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.ddpm import DIFFUSION_STEPS, AncestralSampler, noise_prediction_loss
from mardm_batch.model.flow import OdeSampler, velocity_loss
from mardm_batch.model.head import DiffusionHead
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer

SIZES = MardmSizes(latent=6, text=5, width=16, layers=1, heads=2, mlp_width=24, head_width=16, head_blocks=1)


class KnownHead(nn.Module):
    """Answers with a formula of x and time in place of a network."""

    def __init__(self, formula: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, x: Tensor, time: Tensor, z: Tensor) -> Tensor:
        return self.formula(x, time[:, None])

    def at_timesteps(self, times: Tensor) -> Iterator[Callable[[Tensor], Tensor]]:
        return (lambda x, time=time: self.formula(x, time) for time in times)


def cosine_alpha_bar(step: Tensor) -> Tensor:
    """Share of the data's variance that is left after `step`, written without the product that defines it."""

    def curve(part: Tensor) -> Tensor:
        return torch.cos((part + 0.008) / 1.008 * torch.pi / 2) ** 2

    exact = curve((step.double() + 1) / DIFFUSION_STEPS) / curve(torch.zeros((), dtype=torch.float64))
    # The last beta is capped at 0.999.
    capped = curve(step.double() / DIFFUSION_STEPS) / curve(torch.zeros((), dtype=torch.float64)) * 0.001
    return torch.where(step == DIFFUSION_STEPS - 1, capped, exact)


def error(method: str, steps: int) -> float:
    """How far from the true end of dx/dt = x (1 + t) a solver comes, from x = 1: exp(3/2)."""
    head = KnownHead(lambda x, time: x * (1 + time))
    start = torch.ones(2, 1, 3, dtype=torch.float64)
    end = OdeSampler(method, steps).sample(head, start)
    return float((end - torch.tensor(1.5, dtype=torch.float64).exp()).abs().max())


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("adams", 2)])
def test_halving_the_steps_length_shrinks_the_error_by_the_methods_order(method: str, order: int) -> None:
    assert error(method, 40) / error(method, 80) == pytest.approx(2**order, rel=0.05)


def test_dopri5_reaches_about_its_relative_tolerance() -> None:
    assert error("dopri5", 50) < 5e-3 * 4.48


@pytest.mark.parametrize(
    ("method", "steps", "named"), [("rk5", 8, "'rk5'"), ("midpoint", 0, "0 steps"), ("dopri5", 1, "1 steps")]
)
def test_impossible_solver_is_refused(method: str, steps: int, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        OdeSampler(method, steps)


@pytest.mark.parametrize("temperature", [-0.1, float("nan")])
def test_impossible_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigurationError, match="temperature"):
        AncestralSampler(temperature)


def test_velocity_loss_is_zero_for_the_true_velocity_alone() -> None:
    # All data are the point 2, so x = 2 t + (1 - t) noise tells the noise, and with it the velocity.
    data, z = torch.full((64, 6), 2.0, dtype=torch.float64), torch.zeros(64, 1)
    true = KnownHead(lambda x, time: (2 - x) / (1 - time))
    generator = torch.Generator().manual_seed(0)
    assert velocity_loss(true, data, z, generator) < 1e-9
    away = KnownHead(lambda x, time: (2 - x) / (1 - time) + 1)
    assert float(velocity_loss(away, data, z, generator)) == pytest.approx(1)


def test_noise_loss_is_zero_for_the_true_noise_alone() -> None:
    def true_noise(x: Tensor, step: Tensor) -> Tensor:
        kept = cosine_alpha_bar(step)
        return (x - kept.sqrt() * 2) / (1 - kept).sqrt()

    data, z = torch.full((64, 6), 2.0, dtype=torch.float64), torch.zeros(64, 1)
    generator = torch.Generator().manual_seed(0)
    assert noise_prediction_loss(KnownHead(true_noise), data, z, generator) < 1e-9
    away = KnownHead(lambda x, step: true_noise(x, step) + 1)
    assert float(noise_prediction_loss(away, data, z, generator)) == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_ddpm_finds_the_only_point_there_is(temperature: float) -> None:
    def true_noise(x: Tensor, step: Tensor) -> Tensor:
        kept = cosine_alpha_bar(step).to(x.dtype)
        return (x - kept.sqrt() * 2) / (1 - kept).sqrt()

    sampler = AncestralSampler(temperature)
    noise = torch.randn(5, sampler.draws, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = sampler.sample(KnownHead(true_noise), noise)
    assert torch.allclose(found, torch.full_like(found, 2.0), atol=1e-6)


def test_temperature_scales_the_noise_of_the_steps() -> None:
    head = KnownHead(lambda x, step: 0.1 * x)
    noise = torch.randn(5, DIFFUSION_STEPS, 6, generator=torch.Generator().manual_seed(0))
    other = torch.cat([noise[:, :1], noise[:, 1:].flip(1)], dim=1)

    def sample(temperature: float, draws: Tensor) -> Tensor:
        return AncestralSampler(temperature).sample(head, draws)

    assert torch.equal(sample(0, noise), sample(0, other))
    steps_part = sample(1, noise) - sample(0, noise)
    assert torch.allclose(sample(0.5, noise) - sample(0, noise), steps_part / 2, atol=1e-3 * steps_part.abs().max())
    assert steps_part.abs().max() > 0


def random_head() -> DiffusionHead:
    generator = torch.Generator().manual_seed(2)
    head = DiffusionHead(latent_size=6, z_size=4, width=16, blocks=1).requires_grad_(False)
    for parameter in head.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return head


def test_guidance_moves_away_from_the_unconditional_output() -> None:
    head, time = random_head(), torch.tensor([0.3])
    x, z, unconditional_z = torch.randn(3, 6), torch.randn(3, 4), torch.randn(3, 4)
    conditional, unconditional = head(x, time, z), head(x, time, unconditional_z)
    expected = unconditional + 4.5 * (conditional - unconditional)
    (guided,) = head.denoiser(z, unconditional_z, 4.5).at_timesteps(time[None])
    assert torch.allclose(guided(x), expected, atol=1e-5)
    (unguided,) = head.denoiser(z, None, 1.0).at_timesteps(time[None])
    assert torch.allclose(unguided(x), conditional, atol=1e-6)


def modulated_times(method: str, steps: int) -> list[float]:
    """The times whose modulations the solver has computed, in their order."""
    head, times = random_head(), list[float]()
    head.time_embed.register_forward_pre_hook(lambda _, inputs: times.extend(inputs[0].flatten().tolist()))
    OdeSampler(method, steps).sample(head.denoiser(torch.randn(3, 4), torch.randn(3, 4), 2.0), torch.randn(3, 1, 6))
    return times


@pytest.mark.parametrize(
    ("method", "times"),
    [
        ("euler", [0, 0.5]),
        ("midpoint", [0, 0.25, 0.5, 0.75]),
        ("adams", [0, 1 - 0.5**1.5]),
    ],
)
@pytest.mark.parametrize("rows_at_once", [1, 1000])
def test_a_fixed_step_solver_modulates_each_time_once(
    method: str, times: list[float], rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.model.head._ROWS_AT_ONCE", rows_at_once)
    assert modulated_times(method, 2) == pytest.approx(times)


def test_times_computed_together_give_what_each_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    head, times = random_head(), torch.linspace(0, 1, 5)[:, None]
    x, z, unconditional_z = torch.randn(3, 6), torch.randn(3, 4), torch.randn(3, 4)
    together = [field(x) for field in head.denoiser(z, unconditional_z, 3.0).at_timesteps(times)]
    monkeypatch.setattr("mardm_batch.model.head._ROWS_AT_ONCE", 1)
    alone = [field(x) for field in head.denoiser(z, unconditional_z, 3.0).at_timesteps(times)]
    assert len(together) == len(alone) == 5
    assert torch.allclose(torch.stack(together), torch.stack(alone), atol=1e-5)


def test_unconditional_rows_that_are_alike_serve_many() -> None:
    head, time, x = random_head(), torch.tensor([[0.3]]), torch.randn(5, 6)
    z, few, places = torch.randn(5, 4), torch.randn(2, 4), torch.tensor([0, 1, 1, 0, 1])
    (each,) = head.denoiser(z, few[places], 3.0).at_timesteps(time)
    (shared,) = head.denoiser(z, few, 3.0, places).at_timesteps(time)
    assert torch.allclose(shared(x), each(x), atol=1e-5)


def test_a_head_in_bfloat16_keeps_tokens_and_guidance_in_float32() -> None:
    head, noise = random_head(), torch.randn(20, 1, 6)
    z, unconditional_z = torch.randn(20, 4), torch.randn(20, 4)
    sampler = OdeSampler("midpoint", 8)
    exact = sampler.sample(head.denoiser(z, unconditional_z, 2.0), noise)
    rounded = sampler.sample(head.to(torch.bfloat16).denoiser(z, unconditional_z, 2.0), noise)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, rounded.to(torch.bfloat16).float())
    assert 0 < float((rounded - exact).norm() / exact.norm()) < 0.05


class Seen:
    """What the parts of a network are given while it computes a training loss."""

    def __init__(self, network: MaskedTransformer) -> None:
        watched = {
            "tokens": network.input_process.poseEmbedding,
            "condition": network.cond_emb,
            "head": network.head,
        }
        self.inputs: dict[str, Tensor] = {}
        for name, module in watched.items():
            module.register_forward_pre_hook(
                lambda _, inputs, name=name: self.inputs.__setitem__(name, inputs[0].detach())
            )


def training_batch(poses: int = 400, tokens: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    latents = 10 + torch.randn(poses, tokens, SIZES.latent, generator=generator)
    token_counts = torch.randint(1, tokens + 1, (poses,), generator=generator)
    return latents, token_counts, torch.randn(poses, SIZES.text, generator=generator)


def test_training_masks_randomises_and_drops_the_shares_of_the_paper() -> None:
    network = MaskedTransformer(SIZES)
    seen = Seen(network)
    latents, token_counts, condition = training_batch(2000)
    token_counts[:] = latents.shape[1]
    network.training_loss(latents, token_counts, condition, torch.Generator().manual_seed(0))

    tokens = seen.inputs["tokens"]
    hidden = (tokens == network.mask_latent).all(dim=-1)
    kept = (tokens == latents).all(dim=-1)
    randomised = ~hidden & ~kept
    masked = len(seen.inputs["head"]) / 4
    assert masked / hidden.numel() == pytest.approx(0.6366, abs=0.02)  # the mean of cos over a quarter turn
    assert float(randomised.sum()) / masked == pytest.approx(0.1, abs=0.01)
    assert float(hidden.sum()) / masked == pytest.approx(0.9 * 0.88, abs=0.01)
    assert tokens[randomised].std() == pytest.approx(1, abs=0.1)

    dropped = (seen.inputs["condition"] == 0).all(dim=-1)
    assert float(dropped.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert torch.equal(seen.inputs["condition"][~dropped], condition[~dropped])


def test_poses_of_which_every_token_is_masked_show_none_of_their_own() -> None:
    network = MaskedTransformer(SIZES)
    seen = Seen(network)
    latents, token_counts, condition = training_batch(2000)
    token_counts[:] = latents.shape[1]
    network.training_loss(latents, token_counts, condition, torch.Generator().manual_seed(0), 0.7, repeats=1)
    shows_some = (seen.inputs["tokens"] == latents).all(dim=-1).any(dim=-1)
    # of the others those where the cosine leaves no token in sight, and none of the masked keeps its own
    assert float(shows_some.float().mean()) == pytest.approx(0.3 * 0.8, abs=0.05)
    assert len(seen.inputs["head"]) / latents[..., 0].numel() == pytest.approx(0.7 + 0.3 * 0.6366, abs=0.02)


@pytest.mark.parametrize("flow", ["sit", "ddpm"])
def test_training_loss_ignores_padding_and_global_randomness(flow: str) -> None:
    network = MaskedTransformer(MardmSizes(**{**SIZES.__dict__, "flow": flow}))
    latents, token_counts, condition = training_batch()
    padded = torch.arange(latents.shape[1]) >= token_counts[:, None]
    state = torch.get_rng_state()
    losses = [
        network.training_loss(
            latents.masked_fill(padded[..., None], filling),
            token_counts,
            condition,
            torch.Generator().manual_seed(seed),
        )
        for filling, seed in ((0.0, 0), (1e6, 0), (0.0, 1))
    ]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("flow", ["sit", "ddpm"])
def test_training_learns_from_the_condition(flow: str) -> None:
    torch.manual_seed(0)
    network = MaskedTransformer(MardmSizes(**{**SIZES.__dict__, "flow": flow}))
    generator = torch.Generator().manual_seed(0)
    condition = torch.randn(64, SIZES.text, generator=generator)
    latents = torch.tanh(condition @ torch.randn(SIZES.text, 4 * SIZES.latent, generator=generator))
    latents = latents.reshape(64, 4, SIZES.latent)
    token_counts = torch.full((64,), 4)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(150):
        loss = network.training_loss(latents, token_counts, condition, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_new_network_is_the_identity_and_answers_zero() -> None:
    network = MaskedTransformer(SIZES)
    latents, _, condition = training_batch(3)
    padding = torch.zeros(3, 8, dtype=torch.bool)
    z = network(latents, condition, padding)
    embedded = network.input_process.poseEmbedding(latents) + network.position_enc.pe[:8, 0]
    assert torch.equal(z, embedded)
    assert torch.equal(network.head(latents[0], torch.rand(8), z[0]), torch.zeros(8, SIZES.latent))


def test_padded_tokens_do_not_change_the_others() -> None:
    network = MaskedTransformer(SIZES).requires_grad_(False)
    for parameter in network.parameters():
        parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    latents, _, condition = training_batch(3)
    padding = (torch.arange(8) >= 5).expand(3, 8)
    long = network(latents, condition, padding)[:, :5]
    short = network(latents[:, :5], condition, padding[:, :5])
    assert torch.allclose(long, short, atol=1e-5)


def test_autoencoder_has_four_frames_a_token_and_dropout_in_training_only() -> None:
    torch.manual_seed(0)
    autoencoder = Autoencoder(feature_size=7, width=12, latent_size=5)
    motion = torch.randn(2, 24, 7)
    assert not torch.equal(autoencoder(motion), autoencoder(motion))
    autoencoder.eval()
    latents = autoencoder.encode(motion)
    assert latents.shape == (2, 5, 6)
    assert autoencoder.decode(latents).shape == (2, 24, 7)
    assert torch.equal(autoencoder(motion), autoencoder.decode(latents))
