"""The settings of `python -m mardm_batch.train`: their types, help texts and allowed values."""

from dataclasses import dataclass
from typing import ClassVar

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from mardm_batch.config.compose import to_settings
from mardm_batch.config.schema import Allowed, Settings, number, out_of_range, setting, whole
from mardm_batch.tracking.wandb_tracker import WandbSettings


@dataclass
class DataSettings(Settings):
    SECTION: ClassVar[str] = "data"

    mocap: str | None = setting(
        "recorded clips on our skeleton: .npz with joints, clip_lengths, clip_ids, clip_descriptions"
    )
    bvh: str | None = setting("folder of CMU's motions in BVH, in addition to data.mocap or instead of it")
    mocap_share: float = setting("share of recorded clips among those drawn; the rest are composed", number(0, 1))
    mocap_stride: int = setting("frames between the starts of two recorded windows", whole(1))
    written_share: float = setting(
        "share of clips of written captions among those drawn: poses by the weights of `start`, changed until they "
        "show what their captions ask for",
        number(0, 1),
    )
    written_poses: int = setting("poses of each written caption", whole(1))
    composed_clips: int = setting("clips composed from the pose library", whole(0))
    processes: int = setting("processes that compose clips", whole(1))


@dataclass
class SizeSettings(Settings):
    """Sizes of the networks. As float16 the weights must fit into the package (20 MB)."""

    SECTION: ClassVar[str] = "sizes"

    autoencoder_width: int = setting("channels of the autoencoder's convolutions", whole(1))
    latent: int = setting("numbers in a latent token", whole(1))
    width: int = setting("channels of the transformer and of a caption's embedding", whole(1))
    layers: int = setting("blocks of the transformer", whole(1))
    heads: int = setting("attention heads of the transformer", whole(1))
    mlp_width: int = setting("hidden channels of the transformer's MLP", whole(1))
    head_width: int = setting("channels of the diffusion head", whole(1))
    head_blocks: int = setting("residual blocks of the diffusion head", whole(1))
    vocabulary: int = setting("largest size of the word encoder's vocabulary", whole(1))
    words_width: int = setting("channels of the word encoder", whole(1))
    words_layers: int = setting("layers of the word encoder", whole(1))
    words_heads: int = setting("attention heads of the word encoder", whole(1))
    words_readers: int = setting("weighted sums of a caption's words that make up its embedding", whole(1))

    def __post_init__(self) -> None:
        super().__post_init__()
        for width, heads in (("width", "heads"), ("words_width", "words_heads")):
            if getattr(self, width) % (2 * getattr(self, heads)):
                allowed = f"a multiple of twice {self.key(heads)} ({getattr(self, heads)})"
                raise out_of_range(self.key(width), getattr(self, width), allowed)


@dataclass
class StageSettings(Settings):
    """A stage; its learning rate warms up linearly and then falls to zero along a cosine."""

    steps: int = setting("optimiser steps", whole(1))
    batch_size: int = setting("clips in a step", whole(1))
    learning_rate: float = setting("peak learning rate of AdamW", number(1e-8, 1))
    warmup_steps: int = setting("steps until the learning rate peaks", whole(0))
    weight_decay: float = setting("AdamW's weight decay", number(0, 1))
    ema_decay: float = setting(
        "decay per step of the moving average of the weights, which is what is saved", number(0, 0.99999)
    )
    clip_gradient: float = setting("largest norm of a gradient", number(1e-6, 1e6))
    checkpoint_minutes: float = setting("minutes between two checkpoints", number(0, 1e6))


@dataclass
class AutoencoderStage(StageSettings):
    SECTION: ClassVar[str] = "autoencoder"


@dataclass
class NetworkStage(StageSettings):
    SECTION: ClassVar[str] = "network"


@dataclass
class TrainConfig(Settings):
    """All settings of a training."""

    folder: str = setting("folder of checkpoints, metrics.jsonl and the log", Allowed("a folder", bool))
    output: str = setting(
        "file of the trained weights",
        Allowed("a file ending in .safetensors", lambda name: name.endswith(".safetensors")),
    )
    start: str | None = setting(
        "weights to start from, a file or `embedded` for the packaged ones: the autoencoder is used as it is, the "
        "network is trained further, and new words are added to its vocabulary"
    )
    start_share: float = setting(
        "share of the weights of `start` in the weights that are written, an average of those and the trained ones",
        number(0, 1),
    )
    resume: bool = setting("true: continue from the checkpoints in the folder, with the same settings and data")
    seed: int = setting("seed of composed clips, initial weights, batches and noise", whole(0, 2**31 - 1))
    threads: int = setting("CPU threads", whole(1))
    data: DataSettings = setting("training data")
    sizes: SizeSettings = setting("sizes of the networks")
    autoencoder: AutoencoderStage = setting("the first stage")
    network: NetworkStage = setting("the second stage: transformer, diffusion head and word encoder")

    tracking: WandbSettings = setting("Weights & Biases")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start is None and self.start_share:
            raise out_of_range("start_share", self.start_share, "0 where start names no weights")
        if self.start is None and self.data.written_share:
            raise out_of_range("data.written_share", self.data.written_share, "0 where start names no weights")
        if self.data.mocap_share + self.data.written_share > 1:
            allowed = f"at most {1 - self.data.mocap_share:g} beside data.mocap_share={self.data.mocap_share:g}"
            raise out_of_range("data.written_share", self.data.written_share, allowed)
        recorded = self.data.mocap is not None or self.data.bvh is not None
        if not recorded and self.data.composed_clips == 0:
            raise out_of_range("data.composed_clips", 0, "at least 1 where neither data.mocap nor data.bvh is given")


def register_train_schema() -> None:
    """Register the schema with Hydra under the name that `conf/train.yaml` uses."""
    ConfigStore.instance().store(name="train_schema", node=TrainConfig)


def to_train_config(cfg: DictConfig) -> TrainConfig:
    """The settings of a training. Raises ConfigurationError."""
    return to_settings(cfg, TrainConfig, "train")
