"""Captions to clips: text encoder, decoding loop, autoencoder, joints. Axes: b poses, T frames, j joints.

The one module above `model/` that touches torch.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mardm_batch.config import (
    FRAMES_PER_TOKEN,
    Config,
    DdpmSettings,
    EmbeddedSettings,
    FlowSettings,
    PublishedSettings,
)
from mardm_batch.features import features_to_joints
from mardm_batch.model.checkpoint import LoadedModel, load_embedded, load_published
from mardm_batch.model.ddpm import AncestralSampler
from mardm_batch.model.decoding import DecodingSettings, generate_latents
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.noise import KeyedNoise, noise_key
from mardm_batch.model.text import ClipTextEncoder, TextEncoder
from mardm_batch.sharding import device_of

Clips = NDArray[np.float32]


class PoseSampler:
    """A loaded model with its settings. A clip depends on its caption, the attempt and the settings alone."""

    def __init__(self, model: LoadedModel, text_encoder: TextEncoder, config: Config, batch_size: int) -> None:
        self.model, self.text_encoder, self.seed = model, text_encoder, config.seed
        self.batch_size = batch_size
        self.frame_index = config.sampling.chosen_frame
        self.token_count = config.sampling.sequence_length // FRAMES_PER_TOKEN
        self.decoding = DecodingSettings(config.sampling.time_steps, config.sampling.cfg, token_sampler(config))
        self.weights_hash = model.weights_hash

    @torch.inference_mode()
    def sample(self, captions: Sequence[str], attempt: int) -> Clips:
        """Clips (b, T, 22, 3) in metres. `attempt` chooses the noise: 0 first, 1 where that gave nothing finite."""
        condition = self.text_encoder.encode(captions).to(self.model.mean.device)  # (b, text)
        noise = KeyedNoise([noise_key(self.seed, caption, attempt) for caption in captions])
        counts = [self.token_count] * len(captions)
        latents = generate_latents(self.model.network, condition, counts, noise, self.decoding)  # (b, latent, t)
        features = self.model.autoencoder.decode(latents) * self.model.std + self.model.mean  # (b, T, 67)
        return features_to_joints(features).cpu().numpy()

    def out_of_memory(self, error: Exception) -> bool:
        """Whether this is the device or the machine running out of memory; what can be freed is."""
        exhausted = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)
        if exhausted and self.model.mean.is_cuda:
            torch.cuda.empty_cache()
        return exhausted


def token_sampler(config: Config) -> OdeSampler | AncestralSampler:
    if isinstance(config.model, DdpmSettings):
        return AncestralSampler(config.model.temperature)
    assert isinstance(config.model, FlowSettings)
    return OdeSampler(config.model.solver, config.model.solver_steps)
