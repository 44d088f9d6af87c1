"""Captions to clips: text encoder, decoding loop, autoencoder, joints. Axes: b poses, T frames, j joints.

The one module of the main path above `model/` that touches torch.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray

from mardm_batch.config.schema import Config, DdpmSettings, EmbeddedSettings, FlowSettings, SitSettings
from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.errors import ConfigurationError
from mardm_batch.model.checkpoint import LoadedModel, load_embedded, load_published, weights_hash
from mardm_batch.model.ddpm import AncestralSampler
from mardm_batch.model.decoding import DecodingSettings, generate_latents
from mardm_batch.model.embedded import find_embedded
from mardm_batch.model.features import features_to_joints
from mardm_batch.model.flow import OdeMethod, OdeSampler, dopri5_is_installed
from mardm_batch.model.noise import KeyedNoise, noise_key
from mardm_batch.model.published import find_published
from mardm_batch.model.text import CachedTextEncoder, ClipTextEncoder
from mardm_batch.model.transformer import MardmSizes
from mardm_batch.model.words import WordEncoder
from mardm_batch.pose.geometry import mirror_image
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.sides import names_side
from mardm_batch.pose.skeleton import LOWEST_JOINT_HEIGHT
from mardm_batch.sampling.device import bfloat16_is_faster, shard_device

Clips = NDArray[np.float32]

EMBEDDED_ON_CPU: Final = (32, 128)
"""Poses at once: where to start, so that the first are there soon, and the largest that is tried."""
GROWING_ON_CPU: Final = (8, 256)
"""The same for large networks; the largest takes some gigabytes."""
GROWING_ON_GPU: Final = (64, 1024)
TRIES: Final = 3
"""Of a pose of the embedded model, to be one that people can take."""
MAX_ATTEMPTS_UNTIL_FINITE: Final = 2


class PoseSampler:
    """A loaded model with its settings. A clip depends on its caption, the attempt and the settings alone."""

    def __init__(self, model: LoadedModel, config: Config, device: str, precision: str) -> None:
        self.model, self.seed, self.device, self.precision = model, config.seed, device, precision
        self.batch_size, self.largest_batch = batch_sizes(config, device)
        self.frame_index = config.sampling.chosen_frame
        self.token_count = config.sampling.sequence_length // FRAMES_PER_TOKEN
        self.decoding = DecodingSettings(config.sampling.time_steps, config.sampling.cfg, token_sampler(config))
        self.is_embedded = isinstance(config.model, EmbeddedSettings)
        """Trained to show what a caption leaves open on one side; `sample` shows it on either."""
        self.on_floor = isinstance(config.model, EmbeddedSettings) and config.model.on_floor
        self.joint_limits = isinstance(config.model, EmbeddedSettings) and config.model.joint_limits
        self.tries = TRIES if self.joint_limits else MAX_ATTEMPTS_UNTIL_FINITE
        """How often a pose is sampled, each time with other noise, until it is `usable`."""
        self.weights_hash = model.weights_hash
        size = str(self.batch_size) if self.batch_size == self.largest_batch else f"{self.batch_size} or more"
        self.description = f"{config.model.name} on {device}, {precision}, {size} at once"

    def usable(self, clips: Clips) -> NDArray[np.bool_]:
        """Which clips (b, T, 22, 3) are finite and, with `joint_limits`, in the chosen frame not beyond human ones."""
        usable = np.asarray(np.isfinite(clips).all(axis=(1, 2, 3)))
        if self.joint_limits:
            usable[usable] = within_limits(clips[usable, self.frame_index])
        return usable

    @torch.inference_mode()
    def sample(self, captions: Sequence[str], attempts: Sequence[int]) -> Clips:
        """Clips (b, T, 22, 3) in metres, usable or not. A caption's attempt, 0 to `tries` - 1, chooses its noise."""
        condition = self.model.text_encoder.encode(captions).to(self.model.mean.device)  # (b, text)
        noise = KeyedNoise([noise_key(self.seed, *each) for each in zip(captions, attempts, strict=True)])
        counts = [self.token_count] * len(captions)
        latents = generate_latents(self.model.network, condition, counts, noise, self.decoding)  # (b, latent, t)
        joints: Clips = features_to_joints(self.model.decode(latents)).cpu().numpy()
        if self.is_embedded:
            other_side = np.array([not names_side(caption) for caption in captions]) & noise.random_bits
            joints[other_side] = mirror_image(joints[other_side])
        if self.on_floor:
            lowest = joints[:, self.frame_index, :, 1].min(axis=1)  # (b,)
            joints[..., 1] += (LOWEST_JOINT_HEIGHT - lowest)[:, None, None]
        return joints

    def read(self, captions: Sequence[str], temp: Path, owner: str) -> None:
        """Let a large text encoder compute the captions of a whole job. `temp` keeps them for a job that goes on."""
        encoder = self.model.text_encoder
        if isinstance(encoder, ClipTextEncoder):
            file = temp / f"captions-{owner}-{weights_hash(encoder.weights)[:16]}.safetensors"
            remembering = CachedTextEncoder(encoder, file)
            self.model = replace(self.model, text_encoder=remembering)
            with suppress(Exception):  # what fails here fails in its batch again, which costs no other one
                remembering.read(captions)

    def forget(self) -> None:
        """Every caption's pose is made: what `read` left in `temp` goes."""
        if isinstance(self.model.text_encoder, CachedTextEncoder):
            self.model.text_encoder.forget()

    def unknown_words(self, captions: Sequence[str]) -> Counter[str]:
        """The words that the embedded model was never told of, with the number of captions that have them."""
        encoder = self.model.text_encoder
        if not isinstance(encoder, WordEncoder):
            return Counter()
        return Counter(word.lower() for caption in captions for word in encoder.unknown_words(caption))

    def device_memory_mb(self) -> float:
        """The most memory of the GPU that was taken so far; 0 on the CPU."""
        return torch.cuda.max_memory_allocated(self.model.mean.device) / 2**20 if self.model.mean.is_cuda else 0.0

    def out_of_memory(self, error: Exception) -> bool:
        """Whether this is the device or the machine running out of memory; what can be freed is."""
        exhausted = isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or "can't allocate memory" in str(
            error
        )
        if exhausted and self.model.mean.is_cuda:
            torch.cuda.empty_cache()
        return exhausted


def load_sampler(config: Config, cpu_threads: int) -> PoseSampler:
    """The model that the settings name, on the shard's device, ready to sample.

    Raises:
        InputError: its files are missing, broken or of another size.
        ConfigurationError: a GPU of `gpu_ids` is not there, or the package of the solver is not installed.
    """
    if isinstance(config.model, FlowSettings) and config.model.solver == "dopri5" and not dopri5_is_installed():
        raise ConfigurationError(
            "model.solver=dopri5: needs the package torchdiffeq; pip install 'mardm-batch[dopri5]'"
        )
    torch.set_num_threads(cpu_threads)
    device = shard_device(config.shard, config.gpu_ids, torch.cuda.device_count())
    settings = config.model
    if isinstance(settings, EmbeddedSettings):
        model = load_embedded(find_embedded(settings.weights), device)
    else:
        assert isinstance(settings, SitSettings | DdpmSettings)
        model = load_published_model(settings, device)
    precision = precision_of(config, device)
    if precision == "bfloat16":
        model.network.to(torch.bfloat16)  # tokens, guidance, solver and autoencoder stay in float32
    return PoseSampler(model, config, device, precision)


def load_published_model(settings: SitSettings | DdpmSettings, device: str) -> LoadedModel:
    checkpoints = None if settings.checkpoints is None else folder(settings.checkpoints)
    stats = None if settings.stats is None else folder(settings.stats)
    files = find_published(settings.name, checkpoints, stats, settings.download)
    sizes = asdict(settings.network)
    autoencoder_width = sizes.pop("autoencoder_width")
    flow: Literal["sit", "ddpm"] = "ddpm" if isinstance(settings, DdpmSettings) else "sit"
    text_encoder = ClipTextEncoder.load(settings.text_encoder, device, settings.download)
    return load_published(files, MardmSizes(**sizes, flow=flow), autoencoder_width, text_encoder, device)


def folder(path: str) -> Path:
    return Path(path).expanduser()


def token_sampler(config: Config) -> OdeSampler | AncestralSampler:
    if isinstance(config.model, DdpmSettings):
        return AncestralSampler(config.model.temperature)
    assert isinstance(config.model, FlowSettings)
    settings = config.model.sampler_settings()
    return OdeSampler(cast(OdeMethod, settings["solver"]), settings["solver_steps"])


def precision_of(config: Config, device: str) -> str:
    """float32 or bfloat16. The embedded model is too small to gain by `auto`."""
    if config.sampling.precision != "auto":
        return str(config.sampling.precision)
    return "bfloat16" if not isinstance(config.model, EmbeddedSettings) and bfloat16_is_faster(device) else "float32"


def batch_sizes(config: Config, device: str) -> tuple[int, int]:
    """Poses at once: to start with, and at most; equal where the number is known.

    dopri5 has one step size for all that it integrates together, so `auto` gives it single poses.
    """
    if config.sampling.batch_size != "auto":
        return config.sampling.batch_size, config.sampling.batch_size
    if isinstance(config.model, FlowSettings) and config.model.solver == "dopri5":
        return 1, 1
    if device != "cpu":
        return GROWING_ON_GPU
    return EMBEDDED_ON_CPU if isinstance(config.model, EmbeddedSettings) else GROWING_ON_CPU
