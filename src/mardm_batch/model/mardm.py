"""MARDM as a `MotionModel`: text encoder, decoding loop, autoencoder, joints. Axes: b poses, T frames, j joints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from mardm_batch.constants import FRAMES_PER_TOKEN, chosen_frame
from mardm_batch.language.rewriting import CaptionReader, Rewriting
from mardm_batch.model.checkpoint import LoadedModel
from mardm_batch.model.decoding import DecodingSettings, generate_latents
from mardm_batch.model.features import features_to_joints
from mardm_batch.model.motion_model import MAX_ATTEMPTS_UNTIL_FINITE, Clips
from mardm_batch.model.noise import KeyedNoise
from mardm_batch.model.packing import for_inference
from mardm_batch.model.torch_model import TorchModel
from mardm_batch.model.transformer import WordKeys
from mardm_batch.model.words import WordEncoder
from mardm_batch.pose.geometry import Joints, fit_bones, mirror_image
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.sides import names_side
from mardm_batch.pose.skeleton import LOWEST_JOINT_HEIGHT

MAX_ATTEMPTS_WITHIN_LIMITS: Final = 3


@dataclass(frozen=True)
class Corrections:
    """Corrections of clips after sampling.

    `mirror_open_sides`: the model was trained to show what a caption leaves open on one side; half of the poses whose
    caption names no side, by their noise keys, become their mirror image. `fit_bones`: bones get the lengths of the
    skeleton. `on_floor`: the lowest joint of the pose's frame rests on the floor. `joint_limits`: a pose with a joint
    beyond human limits is not acceptable.
    """

    mirror_open_sides: bool = False
    fit_bones: bool = False
    on_floor: bool = False
    joint_limits: bool = False


class MardmModel(TorchModel):
    """Networks on one device, in one precision, with the settings of decoding and the corrections."""

    def __init__(
        self,
        networks: LoadedModel,
        decoding: DecodingSettings,
        frame_index: int | None,
        batch_bounds: tuple[int, int],
        precision: str = "float32",
        corrections: Corrections = Corrections(),  # noqa: B008  (frozen)
        rewriting: bool = False,
    ) -> None:
        """
        Args:
            frame_index: of the frame of a clip that becomes the pose; None: the middle one.
            rewriting: a word encoder reads captions rewritten into the words that it knows.
        """
        for_inference(networks.network, precision)  # tokens, guidance, solver and autoencoder stay in float32
        self.networks, self.decoding, self.corrections = networks, decoding, corrections
        encoder = self.text_encoder = networks.text_encoder
        known = encoder.vocabulary if rewriting and isinstance(encoder, WordEncoder) else None
        self.reader = None if known is None else CaptionReader(known)
        self.frame_index = frame_index
        self.device, self.precision, self.batch_bounds = str(networks.mean.device), precision, batch_bounds
        self.weights_hash = networks.weights_hash
        self.max_attempts = MAX_ATTEMPTS_WITHIN_LIMITS if corrections.joint_limits else MAX_ATTEMPTS_UNTIL_FINITE

    @torch.inference_mode()
    def generate(self, captions: Sequence[str], keys: Sequence[int], frames: int) -> Clips:
        """See `MotionModel.generate`."""
        texts = [self.read(caption).text for caption in captions]
        network, encoder, words = self.networks.network, self.text_encoder, list[WordKeys]()
        if isinstance(encoder, WordEncoder):
            read = encoder.read(texts)
            condition, words = read.vectors, network.word_keys(read.words, read.present)
        else:
            condition = encoder.encode(texts).to(self.networks.mean.device)  # (b, text)
        noise, counts = KeyedNoise(keys), [frames // FRAMES_PER_TOKEN] * len(captions)
        latents = generate_latents(network, condition, counts, noise, self.decoding, words)  # (b, latent, t)
        joints: Clips = features_to_joints(self.networks.decode(latents)).cpu().numpy()
        if self.corrections.mirror_open_sides:
            other_side = np.array([not names_side(text) for text in texts]) & noise.random_bits
            joints[other_side] = mirror_image(joints[other_side])
        if self.corrections.fit_bones:
            joints = fit_bones(joints)
        if self.corrections.on_floor:
            lowest = self.chosen_frames(joints)[..., 1].min(axis=1)  # (b,)
            joints[..., 1] += (LOWEST_JOINT_HEIGHT - lowest)[:, None, None]
        return joints

    def acceptable(self, clips: Clips) -> NDArray[np.bool_]:
        """Clips that are finite and, with `joint_limits`, whose pose has no joint beyond human limits."""
        acceptable = super().acceptable(clips)
        if self.corrections.joint_limits:
            acceptable[acceptable] = within_limits(self.chosen_frames(clips[acceptable]))
        return acceptable

    def chosen_frames(self, clips: Clips) -> Joints:
        """The frames (b, 22, 3) of clips that become poses."""
        frame: Joints = clips[:, chosen_frame(clips.shape[1], self.frame_index)]
        return frame

    def read(self, caption: str) -> Rewriting:
        """See `MotionModel.read`."""
        return Rewriting(caption) if self.reader is None else self.reader.rewrite(caption)

    def unknown_words(self, caption: str) -> list[str]:
        """Those outside the vocabulary of a word encoder; CLIP reads every word."""
        encoder = self.text_encoder
        return encoder.unknown_words(self.read(caption).text) if isinstance(encoder, WordEncoder) else []

    def knows_a_word(self, caption: str) -> bool:
        """See `MotionModel.knows_a_word`; CLIP reads every caption."""
        encoder = self.text_encoder
        return encoder.knows_a_word(self.read(caption).text) if isinstance(encoder, WordEncoder) else True
