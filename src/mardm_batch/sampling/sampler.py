"""A run's model with its seed: captions and attempts to clips. Axes: b poses, T frames. No torch here."""

from collections.abc import Sequence

from mardm_batch.config.schema import Config
from mardm_batch.constants import chosen_frame
from mardm_batch.judge.judge import load_judge
from mardm_batch.model.motion_model import Clips, MotionModel
from mardm_batch.model.noise_keys import noise_key
from mardm_batch.sampling.adjusting import PoseAdjuster
from mardm_batch.sampling.device import shard_device
from mardm_batch.system.signals import defer_signals


class PoseSampler:
    """A loaded model as a run uses it. A clip depends on its caption, the attempt and the settings alone."""

    def __init__(self, model: MotionModel, config: Config) -> None:
        self.model, self.judge, self.seed = model, load_judge(), config.seed
        self.candidates, self.chooses_poses = config.sampling.candidates, config.sampling.chooses_poses
        """Poses sampled for each caption, of which one is chosen."""
        self.min_agreement = config.sampling.min_agreement
        """Of the chosen pose with its caption: where it agrees less, others are sampled. None: whatever it is."""
        self.adjuster = PoseAdjuster(self.judge) if config.sampling.adjust else None
        self.frames, self.frame_index = config.sampling.sequence_length, config.sampling.frame_index
        self.keeps_clips = config.output.clip
        fixed = config.sampling.batch_size
        bounds: tuple[int, int] = model.batch_bounds if fixed == "auto" else (fixed, fixed)
        self.batch_size, self.largest_batch = bounds
        self.name = config.model.name

    def describe(self, count: int) -> str:
        """What samples so many poses, for the terminal; how many at once, where it is not all of them."""
        words = f"{self.name} on {self.model.device}, {self.model.precision}"
        if count <= self.batch_size:
            return words
        return f"{words}, {self.batch_size}{' or more' if self.largest_batch > self.batch_size else ''} at once"

    def sample(
        self,
        captions: Sequence[str],
        attempts: Sequence[int],
        rejections: Sequence[int] = (),
        numbers: Sequence[int] = (),
        frames: int | None = None,
    ) -> Clips:
        """Clips (b, T, 22, 3) in metres, acceptable or not; T is `frames`, else that of the settings.

        A caption's attempt, from 0 on, the number of its poses that were rejected, and which pose of the caption it
        is choose its noise; without `rejections` there are none, without `numbers` all are the first.
        """
        rejections, numbers = rejections or [0] * len(captions), numbers or [1] * len(captions)
        keys = [noise_key(self.seed, *each) for each in zip(captions, attempts, rejections, numbers, strict=True)]
        return self.model.generate(captions, keys, frames or self.frames)

    def chosen_frame(self, clips: Clips) -> int:
        """Of clips (b, T, 22, 3) the frame that becomes the pose."""
        return chosen_frame(clips.shape[1], self.frame_index)


def load_sampler(config: Config, cpu_threads: int) -> PoseSampler:
    """The model that the settings name, on the shard's device, ready to sample.

    Raises:
        InputError: its files are missing, broken or of another size.
        ConfigurationError: a GPU of `gpu_ids` does not exist, or the package of the solver is not installed.
    """
    # torch takes seconds to import: bad input and "nothing to do" are answered without it
    with defer_signals():  # its C++ parts end the process where an exception comes in from outside
        import torch

    torch.set_num_threads(cpu_threads)
    device = shard_device(config.shard, config.gpu_ids, torch.cuda.device_count())
    return PoseSampler(config.model.load(config.sampling, device), config)
