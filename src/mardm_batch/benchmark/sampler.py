"""How fast poses are sampled: the plain decoding loop beside the shortcut, at a published model's size.

The networks have random weights and are never saved. Axes: b poses, t tokens, d latent channels, n rows of the head.
"""

import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from mardm_batch.config.schema import Config, SitSettings
from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.model.decoding import DecodingSettings, generate_latents, mask_counts
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.noise import KeyedNoise
from mardm_batch.model.transformer import MAX_TOKENS, MardmSizes, MaskedTransformer, sinusoidal_positions
from mardm_batch.sampling.sampler import precision_of, token_sampler

PUBLISHED_SOLVER = OdeSampler("dopri5", 50)
PRODUCT = (2048, 1792, 1792)
"""Rows, inputs and outputs of the matrix product whose speed is the machine's peak: a layer of the XL head."""
LOWMEM_BATCH = 4


@dataclass(frozen=True)
class Timing:
    """`s_per_pose` of a decoding loop that evaluated the head so many times; `run` says how much of it was."""

    s_per_pose: float
    evaluations: int
    run: str


@dataclass(frozen=True)
class Job:
    """A published model's sampling as the configuration has it. `ours` and `plain` are the two ways to decode."""

    network: MaskedTransformer
    device: str
    tokens: int
    ours: DecodingSettings
    plain: DecodingSettings

    @classmethod
    def of(cls, config: Config, device: str, precision: str) -> "Job":
        """A network of the configuration's size, with random weights, in that precision."""
        assert isinstance(config.model, SitSettings)
        sizes = asdict(config.model.network)
        del sizes["autoencoder_width"]
        network = random_network(MardmSizes(**sizes), device)
        ours = DecodingSettings(config.sampling.time_steps, config.sampling.cfg, token_sampler(config))
        return cls(
            network.to(getattr(torch, precision)),
            device,
            config.sampling.sequence_length // FRAMES_PER_TOKEN,
            ours,
            plain=replace(ours, sampler=PUBLISHED_SOLVER, every_masked_token=True),
        )

    def decode(self, settings: DecodingSettings, batch: int) -> None:
        """The whole decoding loop."""
        condition = torch.randn(batch, self.network.sizes.text, device=self.device)
        generate_latents(self.network, condition, [self.tokens] * batch, KeyedNoise(range(batch)), settings)

    @torch.inference_mode()
    def one_step(self, settings: DecodingSettings, batch: int, sampled: int) -> None:
        """What one decoding step computes: the transformer on all tokens, then the head on `sampled` tokens a pose."""
        network = self.network
        latents = torch.randn(2 * batch, self.tokens, network.sizes.latent, device=self.device)
        condition = torch.randn(2 * batch, network.sizes.text, device=self.device)
        padding = torch.zeros(2 * batch, self.tokens, dtype=torch.bool, device=self.device)
        z = network(latents, condition, padding)[:, :sampled].flatten(0, 1)
        noise = torch.randn(batch * sampled, settings.sampler.draws, network.sizes.latent, device=self.device)
        conditional, unconditional = z.chunk(2)
        settings.sampler.sample(network.head.guided(conditional, unconditional, settings.guidance_scale), noise)

    def masked_tokens(self) -> list[int]:
        """How many tokens of a pose each step of the plain loop samples."""
        counts: list[int] = mask_counts(self.plain.time_steps, torch.tensor([self.tokens]))[:, 0].tolist()
        return counts

    def time_ours(self, batch: int, whole: bool) -> Timing:
        """The shortcut; not `whole`: one of its steps, which are alike."""
        if whole:
            return self.timing(batch, {partial(self.decode, self.ours, batch): 1}, "whole")
        sampled = [now - later for now, later in pairwise([*self.masked_tokens(), 0]) if now > later]
        return self.time_steps(self.ours, batch, Counter(sampled))

    def time_plain(self, batch: int, whole: bool, rows_like_time: bool) -> Timing:
        """The plain loop as published; not `whole`: each step that is unlike the others. `rows_like_time`: the batch
        is so large that a step's time is that of its tokens, so that a step with one token tells of all."""
        if whole:
            return self.timing(batch, {partial(self.decode, self.plain, batch): 1}, "whole")
        masked = self.masked_tokens()
        if rows_like_time:
            run = f"1 of {sum(masked)} tokens"
            return self.timing(batch, {partial(self.one_step, self.plain, batch, 1): sum(masked)}, run)
        return self.time_steps(self.plain, batch, Counter(masked))

    def time_steps(self, settings: DecodingSettings, batch: int, sampled: Counter[int]) -> Timing:
        """One of each kind of decoding step; a step samples so many tokens a pose, and there are so many like it."""
        parts = {partial(self.one_step, settings, batch, tokens): times for tokens, times in sampled.items()}
        return self.timing(batch, parts, f"{len(sampled)} of {sampled.total()} steps")

    def timing(self, batch: int, parts: Mapping[partial[None], int], run: str) -> Timing:
        """The sum over the parts, each run once and counted so many times."""
        seconds, evaluations = 0.0, 0
        for part, times in parts.items():
            if self.device != "cpu":
                part()  # a GPU's libraries set themselves up for each new shape
            with counted_evaluations(self.network) as count:
                seconds += times * seconds_of(part, self.device)
            evaluations += times * len(count)
        return Timing(seconds / batch, evaluations, run)

    def flops_per_pose(self, batch: int) -> float:
        """Multiplications and additions of the shortcut's matrix products, counted as they are called; nothing is
        computed. In a larger batch there are fewer: poses share what is the same for all."""
        with torch.device("meta"):
            network = MaskedTransformer(self.network.sizes)
        uncomputed = replace(self, network=network.to("meta").eval(), device="meta")
        with FlopCounterMode(display=False) as counter:
            uncomputed.decode(self.ours, batch)
        return float(counter.get_total_flops()) / batch


def random_network(sizes: MardmSizes, device: str) -> MaskedTransformer:
    """Normal weights everywhere: as initialised for training the head would answer zero to everything."""
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
    """A list that grows by one whenever the head is evaluated."""
    calls: list[None] = []
    hook = network.head.final_layer.register_forward_hook(lambda *_: calls.append(None))
    try:
        yield calls
    finally:
        hook.remove()


def seconds_of(run: Callable[[], object], device: str) -> float:
    started = time.perf_counter()
    run()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


@torch.inference_mode()
def matrix_peak(precision: str, device: str, seconds: float = 1.0) -> float:
    """The most floating-point operations a second that a matrix product of the head's size reached."""
    rows, inputs, outputs = PRODUCT
    x, weight = (
        torch.randn(*shape, device=device, dtype=getattr(torch, precision))
        for shape in ((rows, inputs), (outputs, inputs))
    )
    repeats = 100 if device != "cpu" else 1
    fastest, end = float("inf"), time.monotonic() + seconds

    def products() -> None:
        for _ in range(repeats):
            F.linear(x, weight)

    products()
    while time.monotonic() < end or fastest == float("inf"):
        fastest = min(fastest, seconds_of(products, device))
    return 2 * rows * inputs * outputs * repeats / fastest


def lowmem_peak_mb(config: Config, device: str) -> float:
    """The most memory that sampling takes with the preset lowmem, the network included: of the GPU, else of a process
    of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_lowmem, config, device).result()


def measure_lowmem(config: Config, device: str) -> float:
    """In the process of its own."""
    job = Job.of(config, device, precision_of(config, device))
    job.decode(job.ours, LOWMEM_BATCH)
    return torch.cuda.max_memory_allocated(device) / 2**20 if device != "cpu" else own_peak_mb()


def own_peak_mb() -> float:
    """The most memory that this process has held."""
    with suppress(OSError, StopIteration):  # Linux, whose getrusage counts what was held before the program started
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
