"""Losses, initial weights and metrics of the autoencoder. Axes: b batch, t frames, f features, d latent channels.

The loss is the published smooth L1 loss of normalised features, plus errors of joints and bone lengths in metres, and
of the directions of bones, to which short bones (head, feet, collar) contribute as much as long ones.
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
"""Lengths of the clips that the presets sample; the default one has the largest share."""
WINDOW_SHARES: Final = torch.tensor([0.3, 0.6, 0.1])
_JOINTS_WEIGHT: Final = 5.0
_BONES_WEIGHT: Final = 10.0
_DIRECTIONS_WEIGHT: Final = 1.0
_INITIAL_NOISE: Final = 0.05
"""Factor of the random initial weights below the principal components; they keep channels from being identical."""
_LATENT_NOISE: Final = 0.2
"""Largest noise on latents in training, relative to their size: it makes the decoder robust to the sampler's errors."""


def local_joints(features: Tensor) -> Tensor:
    """Joints (…, 22, 3) in each frame's heading frame, pelvis over the origin, of features (…, f), not normalised."""
    pelvis = torch.zeros_like(features[..., :3])
    pelvis[..., 1] = features[..., 3]
    return torch.cat([pelvis, features[..., 4:]], dim=-1).reshape(*features.shape[:-1], NUM_JOINTS, 3)


def bone_vectors(joints: Tensor) -> Tensor:
    """Vectors (…, 21, 3) from each joint's parent to the joint, of joints (…, 22, 3)."""
    return joints[..., 1:, :] - joints[..., list(PARENTS[1:]), :]


def bone_lengths(joints: Tensor) -> Tensor:
    """Lengths (…, 21) of the bones of joints (…, 22, 3), metres."""
    lengths: Tensor = torch.linalg.vector_norm(bone_vectors(joints), dim=-1)
    return lengths


def bone_directions(joints: Tensor) -> Tensor:
    """Bone vectors (…, 21, 3) divided by the skeleton's bone lengths; unit vectors where the lengths are the same."""
    return bone_vectors(joints) / joints.new_tensor(BONE_LENGTHS[1:])[:, None]


def bone_error(joints: Tensor) -> Tensor:
    """Mean absolute difference between the bone lengths of joints (…, 22, 3) and the skeleton's, metres."""
    return (bone_lengths(joints) - joints.new_tensor(BONE_LENGTHS[1:])).abs().mean()


@torch.no_grad()
def init_as_principal_components(autoencoder: Autoencoder, motions: Motions) -> None:
    """Set initial weights with which a token has the principal components of the mean features of its four frames.

    Any still pose is then reconstructed almost exactly from the start, and training adds motion. Random initial weights
    need many times the steps for this, and generalise worse.
    """
    rows = motions.draw(20000, torch.Generator().manual_seed(0))
    pose = motions.normalised(rows)[:, CLIP_FRAMES // 2]
    # Principal components of the features and of the bones' directions, which are a linear function of the features.
    zero = bone_directions(local_joints(motions.unnormalised(torch.zeros(FEATURE_SIZE))))
    unit = bone_directions(local_joints(motions.unnormalised(torch.eye(FEATURE_SIZE))))
    measures = torch.cat([torch.eye(FEATURE_SIZE), (unit - zero).flatten(1)], dim=1)  # (f, f + 63)
    variances, directions = torch.linalg.eigh((pose @ measures).T @ (pose @ measures) / len(pose))
    count = min(autoencoder.sizes["latent_size"], FEATURE_SIZE)
    variances, directions = variances[-count:].clamp(min=1e-6), directions[:, -count:]  # (d,), (f + 63, d)
    encode, decode = measures @ directions, directions.T @ torch.linalg.pinv(measures)  # (f, d), (d, f)
    # Between unit scale and the components' own: the most important components are sampled best.
    scale = variances.pow(0.25) * variances.sqrt().mean().sqrt()

    for module in autoencoder.modules():
        if isinstance(module, nn.Conv1d) and module.bias is not None:
            module.bias.zero_()
            module.weight *= _INITIAL_NOISE
    encoder, decoder = autoencoder.encoder.model, autoencoder.decoder.model
    first, half, quarter, last = (_weight(encoder, *indices) for indices in ((0,), (2, 0), (3, 0), (4,)))
    first[:, :, 1] += _signed(torch.eye(FEATURE_SIZE), len(first))
    for weight in (half, quarter):
        weight[:, :, 1:3] += 0.5 * torch.eye(len(weight))[..., None]
    last[:count, :, 1] += _signed(encode / scale, last.shape[1]).T
    first, half, quarter, features, last = (
        _weight(decoder, *indices) for indices in ((0,), (2, 2), (3, 2), (4,), (6,))
    )
    first[:, :count, 1] += _signed(torch.eye(count), len(first))
    for weight in (half, quarter):
        weight[:, :, 1] += torch.eye(len(weight))
    features[:, :, 1] += _signed(_signed(decode * scale[:, None], features.shape[1]).T, len(features))
    last[:, :, 1] += _signed(torch.eye(FEATURE_SIZE), last.shape[1]).T


def _weight(module: nn.Module, *indices: int) -> Tensor:
    """The weight of the convolution at these indices of nested `nn.Sequential`s."""
    for index in indices:
        assert isinstance(module, nn.Sequential)
        module = module[index]
    assert isinstance(module, nn.Conv1d)
    return module.weight


def _signed(matrix: Tensor, rows: int) -> Tensor:
    """A matrix (n, m) above its negative, of which a ReLU loses nothing; cut or zero-padded to (rows, m)."""
    stacked = torch.cat([matrix, -matrix])[:rows]
    return nn.functional.pad(stacked, (0, 0, 0, rows - len(stacked)))


class AutoencoderLosses:
    """The autoencoder's losses on random windows of random clips, of one of WINDOW_FRAMES lengths a batch."""

    def __init__(self, autoencoder: Autoencoder, motions: Motions, batch_size: int) -> None:
        self.autoencoder = autoencoder
        self.motions = motions
        self.batch_size = batch_size
        for module in autoencoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0  # it costs accuracy, and there is no shortage of composed poses

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
        predicted = local_joints(self.motions.unnormalised(decoded))
        features = nn.functional.smooth_l1_loss(decoded, motion)
        metres = (predicted - true).abs().mean()
        bones = (bone_lengths(predicted) - bone_lengths(true)).abs().mean()
        directions = (bone_directions(predicted) - bone_directions(true)).abs().mean()
        return {
            "loss": features + _JOINTS_WEIGHT * metres + _BONES_WEIGHT * bones + _DIRECTIONS_WEIGHT * directions,
            "smooth_l1": features,
            "joints_cm": 100 * metres,
            "bones_cm": 100 * bones,
        }


@torch.inference_mode()
def encode_windows(autoencoder: Autoencoder, motions: Motions, frames: int) -> Tensor:
    """The latents (clips, frames / 4, d) of the middle `frames` frames of every clip."""
    start = (CLIP_FRAMES - frames) // 2
    batches = torch.split(torch.arange(len(motions)), 512)
    latents = [
        autoencoder.encode(motions.normalised(rows)[:, start : start + frames]).transpose(1, 2) for rows in batches
    ]
    return torch.cat(latents)


@torch.no_grad()
def scale_latents(autoencoder: Autoencoder, motions: Motions) -> None:
    """Scale the latents to unit mean square, in the layers before and after them, so that no scale is stored.

    The decoder's first convolution pads with zeros, which are not affected by scaling.
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
    """Errors of reconstructed middle frames, for each of WINDOW_FRAMES: mean distance of joints and mean error of bone
    lengths in cm, and mean angle between a bone and its reconstruction in degrees."""
    rows = motions.draw(min(2048, len(motions)), torch.Generator().manual_seed(0))
    metrics = {}
    for frames in WINDOW_FRAMES:
        start = (CLIP_FRAMES - frames) // 2
        motion = motions.normalised(rows)[:, start : start + frames]
        true = local_joints(motions.unnormalised(motion[:, frames // 2]))
        predicted = local_joints(motions.unnormalised(autoencoder(motion)[:, frames // 2]))
        distance = torch.linalg.vector_norm(predicted - true, dim=-1).mean()
        metrics[f"autoencoder/joints_cm_{frames}_frames"] = 100 * float(distance)
        metrics[f"autoencoder/bones_cm_{frames}_frames"] = 100 * float(bone_error(predicted))
        cosines = nn.functional.cosine_similarity(bone_vectors(predicted), bone_vectors(true), dim=-1)
        metrics[f"autoencoder/bones_degrees_{frames}_frames"] = float(cosines.clamp(-1, 1).arccos().rad2deg().mean())
    return metrics
