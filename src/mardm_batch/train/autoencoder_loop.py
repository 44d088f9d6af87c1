"""Train the autoencoder: normalised motion to latent tokens and back. Axes: b batch, t frames, f features.

The loss is the published smooth-L1 on normalised features, with terms beside it for what a pose is judged by:
joints and bone lengths in metres, and the directions of bones, in which the short ones (head, feet, collar) count as
much as the long.
"""

from typing import Final

import torch
from torch import Tensor, nn

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.library.clips import CLIP_FRAMES
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.pose.skeleton import BONE_LENGTHS, NUM_JOINTS, PARENTS
from mardm_batch.train.data import Motions

WINDOW_FRAMES: Final = (8, 16, 32)
"""The lengths that the presets sample; the default one is trained on most."""
WINDOW_SHARES: Final = torch.tensor([0.3, 0.6, 0.1])
_METRES_WEIGHT: Final = 5.0
_BONES_WEIGHT: Final = 10.0
_DIRECTIONS_WEIGHT: Final = 1.0
_FIRST_NOISE: Final = 0.05
"""What is left of the random first weights, so that no two channels stay alike."""
_LATENT_NOISE: Final = 0.2
"""The most noise on the latents in training, as a share of their size: the decoder learns to forgive the sampler."""


def local_joints(features: Tensor) -> Tensor:
    """Joints in each frame's own heading, pelvis over the origin: (…, f), not normalised → (…, 22, 3)."""
    pelvis = torch.zeros_like(features[..., :3])
    pelvis[..., 1] = features[..., 3]
    return torch.cat([pelvis, features[..., 4:]], dim=-1).reshape(*features.shape[:-1], NUM_JOINTS, 3)


def bones_of(joints: Tensor) -> Tensor:
    """(…, 22, 3) → (…, 21, 3): each joint from its parent, metres."""
    return joints[..., 1:, :] - joints[..., list(PARENTS[1:]), :]


def bone_lengths(joints: Tensor) -> Tensor:
    """(…, 22, 3) → (…, 21), metres."""
    lengths: Tensor = torch.linalg.vector_norm(bones_of(joints), dim=-1)
    return lengths


def bone_directions(joints: Tensor) -> Tensor:
    """(…, 22, 3) → (…, 21, 3), of the length that the bone has in the skeleton: 1 where that is so."""
    return bones_of(joints) / joints.new_tensor(BONE_LENGTHS[1:])[:, None]


def bone_error(joints: Tensor) -> Tensor:
    """The mean absolute difference from the skeleton's bone lengths, metres, of (…, 22, 3)."""
    return (bone_lengths(joints) - joints.new_tensor(BONE_LENGTHS[1:])).abs().mean()


@torch.no_grad()
def start_as_principal_components(autoencoder: Autoencoder, motions: Motions) -> None:
    """Set first weights that make a token the principal components of its four frames' mean features.

    A still pose, whatever it is, then comes back nearly exactly from the start, and training adds motion. Random
    first weights take many times the steps to come so far, and do worse on poses unlike those trained on.
    """
    rows = motions.draw(20000, torch.Generator().manual_seed(0))
    pose = motions.normalised(rows)[:, CLIP_FRAMES // 2]
    # Components of the features and, beside them, of the bones' directions, which are a linear function of them.
    zero = bone_directions(local_joints(motions.unnormalised(torch.zeros(FEATURE_SIZE))))
    each = bone_directions(local_joints(motions.unnormalised(torch.eye(FEATURE_SIZE))))
    seen = torch.cat([torch.eye(FEATURE_SIZE), (each - zero).flatten(1)], dim=1)  # (f, f + 63)
    variances, directions = torch.linalg.eigh((pose @ seen).T @ (pose @ seen) / len(pose))
    kept = min(autoencoder.sizes["latent_size"], FEATURE_SIZE)
    variances, directions = variances[-kept:].clamp(min=1e-6), directions[:, -kept:]  # (d,), (f + 63, d)
    into, back = seen @ directions, directions.T @ torch.linalg.pinv(seen)  # (f, d), (d, f)
    # Half way between equal sizes and their own: what matters most to the pose is sampled best.
    scale = variances.pow(0.25) * variances.sqrt().mean().sqrt()

    for module in autoencoder.modules():
        if isinstance(module, nn.Conv1d) and module.bias is not None:
            module.bias.zero_()
            module.weight *= _FIRST_NOISE
    encoder, decoder = autoencoder.encoder.model, autoencoder.decoder.model
    first, half, quarter, last = (_weight(encoder, *place) for place in ((0,), (2, 0), (3, 0), (4,)))
    first[:, :, 1] += _signed(torch.eye(FEATURE_SIZE), len(first))
    for weight in (half, quarter):
        weight[:, :, 1:3] += 0.5 * torch.eye(len(weight))[..., None]
    last[:kept, :, 1] += _signed(into / scale, last.shape[1]).T
    first, half, quarter, features, last = (_weight(decoder, *place) for place in ((0,), (2, 2), (3, 2), (4,), (6,)))
    first[:, :kept, 1] += _signed(torch.eye(kept), len(first))
    for weight in (half, quarter):
        weight[:, :, 1] += torch.eye(len(weight))
    features[:, :, 1] += _signed(_signed(back * scale[:, None], features.shape[1]).T, len(features))
    last[:, :, 1] += _signed(torch.eye(FEATURE_SIZE), last.shape[1]).T


def _weight(module: nn.Module, *place: int) -> Tensor:
    """Of the convolution that is there in nested lists of layers."""
    for number in place:
        assert isinstance(module, nn.Sequential)
        module = module[number]
    assert isinstance(module, nn.Conv1d)
    return module.weight


def _signed(matrix: Tensor, rows: int) -> Tensor:
    """(n, m) and its negative below it, as a ReLU loses nothing of the two; cut or filled to (rows, m)."""
    both = torch.cat([matrix, -matrix])[:rows]
    return nn.functional.pad(both, (0, 0, 0, rows - len(both)))


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
        size = latents.square().mean().sqrt()
        level = _LATENT_NOISE * size * torch.rand((len(rows), 1, 1), generator=generator)
        decoded = self.autoencoder.decode(latents + level * torch.randn(latents.shape, generator=generator))
        true = local_joints(self.motions.unnormalised(motion))
        found = local_joints(self.motions.unnormalised(decoded))
        features = nn.functional.smooth_l1_loss(decoded, motion)
        metres = (found - true).abs().mean()
        bones = (bone_lengths(found) - bone_lengths(true)).abs().mean()
        directions = (bone_directions(found) - bone_directions(true)).abs().mean()
        return {
            "loss": features + _METRES_WEIGHT * metres + _BONES_WEIGHT * bones + _DIRECTIONS_WEIGHT * directions,
            "smooth_l1": features,
            "joints_cm": 100 * metres,
            "bones_cm": 100 * bones,
        }


@torch.inference_mode()
def encode_windows(autoencoder: Autoencoder, motions: Motions, frames: int) -> Tensor:
    """The latents (clips, frames / 4, d) of every clip's middle `frames` frames."""
    start = (CLIP_FRAMES - frames) // 2
    batches = torch.split(torch.arange(len(motions)), 512)
    latents = [
        autoencoder.encode(motions.normalised(rows)[:, start : start + frames]).transpose(1, 2) for rows in batches
    ]
    return torch.cat(latents)


@torch.no_grad()
def scale_latents(autoencoder: Autoencoder, motions: Motions) -> None:
    """Give the latents unit size, inside the layers on their two sides, so that no file needs a scale.

    The padding of the decoder's first convolution is zero, which scaling keeps.
    """
    size = encode_windows(autoencoder, motions, 4 * FRAMES_PER_TOKEN).square().mean().sqrt()
    last, first = autoencoder.encoder.model[-1], autoencoder.decoder.model[0]
    assert isinstance(last, nn.Conv1d)
    assert last.bias is not None
    last.weight /= size
    last.bias /= size
    _weight(first).mul_(size)


@torch.inference_mode()
def reconstruction(autoencoder: Autoencoder, motions: Motions) -> dict[str, float]:
    """How well middle frames of each length come back: mean distance of joints, mean error of bones, cm; mean angle
    between a bone and itself, degrees."""
    rows = motions.draw(min(2048, len(motions)), torch.Generator().manual_seed(0))
    metrics = {}
    for frames in WINDOW_FRAMES:
        start = (CLIP_FRAMES - frames) // 2
        motion = motions.normalised(rows)[:, start : start + frames]
        true = local_joints(motions.unnormalised(motion[:, frames // 2]))
        found = local_joints(motions.unnormalised(autoencoder(motion)[:, frames // 2]))
        distance = torch.linalg.vector_norm(found - true, dim=-1).mean()
        metrics[f"autoencoder/joints_cm_{frames}_frames"] = 100 * float(distance)
        metrics[f"autoencoder/bones_cm_{frames}_frames"] = 100 * float(bone_error(found))
        cosines = nn.functional.cosine_similarity(bones_of(found), bones_of(true), dim=-1)
        metrics[f"autoencoder/bones_degrees_{frames}_frames"] = float(cosines.clamp(-1, 1).arccos().rad2deg().mean())
    return metrics
