"""ACMDM as a `MotionModel`: text encoder, flow of the whole clip, autoencoder. Axes: b clips, c channels, f frames of
the network's (of latents, or of joints), T frames of joints, 22 joints."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.model.acmdm_checkpoint import LoadedAcmdm
from mardm_batch.model.acmdm_transformer import AcmdmTransformer, GuidedClips
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.motion_model import Clips
from mardm_batch.model.noise import KeyedNoise, Noise
from mardm_batch.model.packing import for_inference
from mardm_batch.model.torch_model import TorchModel
from mardm_batch.pose.geometry import fit_bones
from mardm_batch.pose.skeleton import NUM_JOINTS


class AcmdmModel(TorchModel):
    """Networks on one device, in one precision, with the settings of sampling."""

    def __init__(
        self,
        networks: LoadedAcmdm,
        sampler: OdeSampler,
        guidance_scale: float,
        batch_bounds: tuple[int, int],
        precision: str = "float32",
        fits_bones: bool = False,
    ) -> None:
        """
        Args:
            fits_bones: give bones, whose lengths nothing in the model holds, those of the skeleton.
        """
        for_inference(networks.network, precision)  # clips, guidance, solver and autoencoder stay in float32
        self.networks, self.sampler, self.guidance_scale = networks, sampler, guidance_scale
        self.frames_per_step = 1 if networks.latent_space is None else FRAMES_PER_TOKEN
        """Frames of joints to one of the network's."""
        self.fits_bones, self.text_encoder = fits_bones, networks.text_encoder
        self.device, self.precision, self.batch_bounds = str(networks.mean.device), precision, batch_bounds
        self.weights_hash = networks.weights_hash

    @torch.inference_mode()
    def generate(self, captions: Sequence[str], keys: Sequence[int], frames: int) -> Clips:
        """See `MotionModel.generate`."""
        network = self.networks.network
        condition = self.text_encoder.encode(captions).to(self.networks.mean.device)  # (b, text)
        steps = frames // self.frames_per_step
        noise = clip_noise(KeyedNoise(keys), len(keys), network.sizes.channels, steps).to(condition)
        clips = sample_clips(network, condition, noise, self.guidance_scale, self.sampler)
        joints: Clips = self.networks.to_joints(clips).cpu().numpy()
        return fit_bones(joints) if self.fits_bones else joints


def clip_noise(noise: Noise, clips: int, channels: int, frames: int) -> Tensor:
    """Standard normal noise (b, c, f, 22) on the CPU; each number depends on its clip, frame, joint and channel."""
    rows = torch.cartesian_prod(torch.arange(clips), torch.arange(frames))
    drawn = noise.standard_normal(rows[:, 0], rows[:, 1], 0, 1, NUM_JOINTS * channels)
    return drawn.view(clips, frames, NUM_JOINTS, channels).permute(0, 3, 1, 2)


@torch.inference_mode()
def sample_clips(
    network: AcmdmTransformer,
    condition: Tensor,
    noise: Tensor,
    guidance_scale: float,
    sampler: OdeSampler,
    lengths: Tensor | None = None,
) -> Tensor:
    """Clips (b, c, f, 22), normalised, for text embeddings (b, text), from noise of the same shape.

    Args:
        guidance_scale: 1 is none.
        lengths: (b,) valid frames of each clip, the others become zeros; None: all.
    """
    frames = noise.shape[2]
    is_valid = None if lengths is None else torch.arange(frames, device=noise.device) < lengths[:, None]
    clips = sampler.integrate(GuidedClips(network, condition, guidance_scale, is_valid), noise)
    return clips if is_valid is None else clips * is_valid[:, None, :, None]
