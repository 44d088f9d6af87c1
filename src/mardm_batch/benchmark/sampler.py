"""The speed of sampling at a published model's size: our decoding loop against the published one.

The networks have random weights and are never saved. Axes: b poses, t tokens, d latent channels, n rows of the head.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import torch
from torch.utils.flop_counter import FlopCounterMode

from mardm_batch.benchmark.machine import seconds_of
from mardm_batch.benchmark.memory import peak_memory
from mardm_batch.config.schema import Config
from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.model.decoding import DecodingSettings, generate_latents, mask_counts
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.noise import KeyedNoise
from mardm_batch.model.packing import for_inference
from mardm_batch.model.transformer import MAX_TOKENS, MardmSizes, MaskedTransformer, sinusoidal_positions
from mardm_batch.sampling.models.published import PublishedSettings
from mardm_batch.system.workers import Workers

LOWMEM_BATCH = 4


@dataclass(frozen=True)
class Timing:
    """Seconds per pose of a decoding loop, its evaluations of the head, and how much of the loop was run."""

    s_per_pose: float
    evaluations: int
    run: str


@dataclass(frozen=True)
class Job:
    """Sampling by a published model, with the settings of our decoding loop and of the published one (`plain`)."""

    network: MaskedTransformer
    device: str
    tokens: int
    ours: DecodingSettings

    @property
    def plain(self) -> DecodingSettings:
        """The published loop, which needs torchdiffeq."""
        return replace(self.ours, sampler=OdeSampler("dopri5", 50), every_masked_token=True)

    @classmethod
    def of(cls, config: Config, device: str, precision: str) -> "Job":
        """A network of the size in the settings, with random weights, in `float32` or `bfloat16`."""
        model: PublishedSettings = config.model
        network = random_network(model.network.mardm_sizes(model.FLOW), device)
        ours = DecodingSettings(config.sampling.decoding_steps, config.sampling.cfg, model.token_sampler())
        return cls(
            for_inference(network, precision),
            device,
            config.sampling.sequence_length // FRAMES_PER_TOKEN,
            ours,
        )

    def decode(self, settings: DecodingSettings, batch: int) -> None:
        """The whole decoding loop."""
        condition = torch.randn(batch, self.network.sizes.text, device=self.device)
        generate_latents(self.network, condition, [self.tokens] * batch, KeyedNoise(range(batch)), settings)

    @torch.inference_mode()
    def one_step(self, settings: DecodingSettings, batch: int, sampled: int) -> None:
        """One decoding step: the transformer on all tokens, then the head on `sampled` tokens per pose.

        As in the loop these are masked, and each pose is there with its text and without: the number of evaluations
        that an adaptive solver takes depends on what the head sees.
        """
        network = self.network
        latents = torch.randn(batch, self.tokens, network.sizes.latent, device=self.device)
        latents[:, :sampled] = network.mask_latent.float()
        latents = latents.repeat(2, 1, 1)
        texts = torch.randn(batch, network.sizes.text, device=self.device)
        condition = torch.cat([texts, torch.zeros_like(texts)])
        padding = torch.zeros(2 * batch, self.tokens, dtype=torch.bool, device=self.device)
        z = network(latents, condition, padding)[:, :sampled].flatten(0, 1)
        noise = torch.randn(batch * sampled, settings.sampler.draws, network.sizes.latent, device=self.device)
        conditional, unconditional = z.chunk(2)
        settings.sampler.sample(network.head.denoiser(conditional, unconditional, settings.guidance_scale), noise)

    def masked_tokens(self) -> list[int]:
        """The number of tokens per pose that each step of the published loop samples."""
        counts: list[int] = mask_counts(self.ours.time_steps, torch.tensor([self.tokens]))[:, 0].tolist()
        return counts

    def time_ours(self, batch: int, whole: bool) -> Timing:
        """Time our loop; not `whole`: one step for each number of tokens."""
        if whole:
            return self.timing(batch, {partial(self.decode, self.ours, batch): 1}, "whole")
        sampled = [now - later for now, later in pairwise([*self.masked_tokens(), 0]) if now > later]
        return self.time_steps(self.ours, batch, Counter(sampled))

    def time_plain(self, batch: int, whole: bool, compute_bound: bool) -> Timing:
        """Time the published loop; not `whole`: one step for each number of tokens.

        `compute_bound`: the batch is so large that a step's time is proportional to its tokens, and one step with a
        single token is extrapolated to all.
        """
        if whole:
            return self.timing(batch, {partial(self.decode, self.plain, batch): 1}, "whole")
        masked = self.masked_tokens()
        if compute_bound:
            run = f"1 of {sum(masked)} tokens"
            return self.timing(batch, {partial(self.one_step, self.plain, batch, 1): sum(masked)}, run)
        return self.time_steps(self.plain, batch, Counter(masked))

    def time_steps(self, settings: DecodingSettings, batch: int, sampled: Counter[int]) -> Timing:
        """Time one decoding step for each number of tokens; `sampled` counts the steps by their tokens per pose."""
        parts = {partial(self.one_step, settings, batch, tokens): times for tokens, times in sampled.items()}
        return self.timing(batch, parts, f"{len(sampled)} of {sampled.total()} steps")

    def timing(self, batch: int, parts: Mapping[partial[None], int], run: str) -> Timing:
        """Run each part once; the sum over the parts, weighted by their numbers of repetitions."""
        seconds, evaluations = 0.0, 0
        for part, times in parts.items():
            if self.device != "cpu":
                part()  # warm up: GPU libraries choose kernels for each new shape
            with counted_evaluations(self.network) as count:
                seconds += times * seconds_of(part, self.device)
            evaluations += times * len(count)
        return Timing(seconds / batch, evaluations, run)

    def flops_per_pose(self, batch: int) -> float:
        """Floating-point operations of the matrix products of our loop, counted on the meta device.

        Larger batches need fewer per pose, as poses share what does not depend on their captions.
        """
        with torch.device("meta"):
            network = MaskedTransformer(self.network.sizes)
        on_meta = replace(self, network=network.to("meta").eval(), device="meta")
        with FlopCounterMode(display=False) as counter:
            on_meta.decode(self.ours, batch)
        return float(counter.get_total_flops()) / batch


def random_network(sizes: MardmSizes, device: str) -> MaskedTransformer:
    """A network with normal weights; with those of the initialisation for training the head would predict zeros."""
    with torch.device("meta"):
        network = MaskedTransformer(sizes)
    network.to_empty(device=device).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in network.named_parameters():
        parameter.normal_(mean=float(name.endswith("in_ln.weight")), std=0.02, generator=generator)
    network.position_enc.pe.copy_(sinusoidal_positions(MAX_TOKENS, sizes.width))
    return network


@contextmanager
def counted_evaluations(network: MaskedTransformer) -> Iterator[list[None]]:
    """A list with one element for each evaluation of the head."""
    calls: list[None] = []
    hook = network.head.final_layer.register_forward_hook(lambda *_: calls.append(None))
    try:
        yield calls
    finally:
        hook.remove()


def lowmem_peak_mb(config: Config, device: str) -> float:
    """Peak memory of sampling with the preset lowmem, including the network, in MiB: of the GPU, else of a process."""
    with Workers(1) as pool:
        return pool.submit(measure_lowmem, config, device).result()


def measure_lowmem(config: Config, device: str) -> float:
    """Peak memory in MiB, measured in a process that does nothing else."""
    with peak_memory(os.getpid()) as peak:
        job = Job.of(config, device, config.model.choose_precision(config.sampling.precision, device))
        job.decode(job.ours, LOWMEM_BATCH)
    return torch.cuda.max_memory_allocated(device) / 2**20 if device != "cpu" else peak.process_mb
