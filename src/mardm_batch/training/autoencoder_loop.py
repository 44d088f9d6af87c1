"""Train the autoencoder: normalised motion to latent tokens and back. Axes: b batch, t frames, f features.

The loss is the published smooth-L1 on normalised features, with two terms in metres beside it: joints and
bone lengths, which a pose is judged by.
"""

from typing import Final

import torch
from torch import Tensor, nn

from mardm_batch.model.autoencoder import FRAMES_PER_TOKEN, Autoencoder
from mardm_batch.skeleton import BONE_LENGTHS, NUM_JOINTS, PARENTS
from mardm_batch.training.clips import CLIP_FRAMES
from mardm_batch.training.data import Motions

WINDOW_FRAMES: Final = (8, 16, 32)
"""The lengths that the presets sample; the default one is trained on most."""
WINDOW_SHARES: Final = torch.tensor([0.2, 0.6, 0.2])
_METRES_WEIGHT: Final = 5.0
_BONES_WEIGHT: Final = 5.0
_LATENT_NOISE: Final = 0.03
"""Noise on the latents in training, as a share of their size: the decoder learns to forgive the sampler."""


def local_joints(features: Tensor) -> Tensor:
    """Joints in each frame's own heading, pelvis over the origin: (…, f), not normalised → (…, 22, 3)."""
    pelvis = torch.zeros_like(features[..., :3])
    pelvis[..., 1] = features[..., 3]
    return torch.cat([pelvis, features[..., 4:]], dim=-1).reshape(*features.shape[:-1], NUM_JOINTS, 3)


def bone_lengths(joints: Tensor) -> Tensor:
    """(…, 22, 3) → (…, 21), metres."""
    bones = joints[..., 1:, :] - joints[..., list(PARENTS[1:]), :]
    return torch.linalg.vector_norm(bones, dim=-1)


def bone_error(joints: Tensor) -> Tensor:
    """The mean absolute difference from the skeleton's bone lengths, metres, of (…, 22, 3)."""
    return (bone_lengths(joints) - joints.new_tensor(BONE_LENGTHS[1:])).abs().mean()


class AutoencoderLosses:
    """Draws windows of every length that is sampled from and measures their reconstruction."""

    def __init__(self, autoencoder: Autoencoder, motions: Motions, batch_size: int) -> None:
        self.autoencoder = autoencoder
        self.motions = motions
        self.batch_size = batch_size
        for module in autoencoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0  # it costs accuracy, and there is no lack of composed poses

    def __call__(self, generator: torch.Generator) -> dict[str, Tensor]:
        rows = self.motions.draw(self.batch_size, generator)
        frames = WINDOW_FRAMES[int(torch.multinomial(WINDOW_SHARES, 1, generator=generator))]
        start = int(torch.randint(CLIP_FRAMES - frames + 1, (), generator=generator))
        motion = self.motions.normalised(rows)[:, start : start + frames]
        latents = self.autoencoder.encode(motion)
        size = latents.detach().square().mean().sqrt()
        noise = torch.randn(latents.shape, generator=generator)
        decoded = self.autoencoder.decode(latents + _LATENT_NOISE * size * noise)
        true = local_joints(self.motions.unnormalised(motion))
        found = local_joints(self.motions.unnormalised(decoded))
        features = nn.functional.smooth_l1_loss(decoded, motion)
        metres = (found - true).abs().mean()
        bones = (bone_lengths(found) - bone_lengths(true)).abs().mean()
        return {
            "loss": features + _METRES_WEIGHT * metres + _BONES_WEIGHT * bones,
            "smooth_l1": features,
            "joints_cm": 100 * metres,
            "bones_cm": 100 * bones,
        }


@torch.inference_mode()
def encode_windows(autoencoder: Autoencoder, motions: Motions, frames: int) -> Tensor:
    """The latents (clips, frames / 4, d) of every clip's middle `frames` frames."""
    start = (CLIP_FRAMES - frames) // 2
    batches = torch.arange(len(motions)).split(512)
    latents = [
        autoencoder.encode(motions.normalised(rows)[:, start : start + frames]).transpose(1, 2)
        for rows in batches
    ]
    return torch.cat(latents)


@torch.no_grad()
def scale_latents(autoencoder: Autoencoder, motions: Motions) -> Tensor:
    """Give each latent channel unit size, inside the layers on its two sides, so that no file needs a scale.

    → the sizes before, (d,). The padding of the decoder's first convolution is zero, which scaling keeps.
    """
    sizes = encode_windows(autoencoder, motions, 4 * FRAMES_PER_TOKEN).square().mean(dim=(0, 1)).sqrt()
    last, first = autoencoder.encoder.model[-1], autoencoder.decoder.model[0]
    last.weight /= sizes[:, None, None]  # type: ignore[operator]
    last.bias /= sizes  # type: ignore[operator]
    first.weight *= sizes[None, :, None]  # type: ignore[operator]
    return sizes


@torch.inference_mode()
def reconstruction(autoencoder: Autoencoder, motions: Motions) -> dict[str, float]:
    """How well middle frames of each length come back: mean distance of joints, mean error of bones, cm."""
    rows = motions.draw(2048, torch.Generator().manual_seed(0))
    metrics = {}
    for frames in WINDOW_FRAMES:
        start = (CLIP_FRAMES - frames) // 2
        motion = motions.normalised(rows)[:, start : start + frames]
        true = local_joints(motions.unnormalised(motion[:, frames // 2]))
        found = local_joints(motions.unnormalised(autoencoder(motion)[:, frames // 2]))
        distance = torch.linalg.vector_norm(found - true, dim=-1).mean()
        metrics[f"autoencoder/joints_cm_{frames}_frames"] = 100 * float(distance)
        metrics[f"autoencoder/bones_cm_{frames}_frames"] = 100 * float(bone_error(found))
    return metrics
