"""The settings of `python -m mardm_batch.train.judge`: their types, help texts and allowed values."""

from dataclasses import dataclass

from hydra.core.config_store import ConfigStore

from mardm_batch.config.schema import Allowed, Settings, number, setting, whole


@dataclass
class JudgeConfig(Settings):
    """All settings of a training of the judge."""

    output: str = setting(
        "file of the trained judge",
        Allowed("a file ending in .safetensors", lambda name: name.endswith(".safetensors")),
    )
    seed: int = setting("seed of captions, poses, initial weights and batches", whole(0, 2**31 - 1))
    threads: int = setting("CPU threads", whole(1))
    poses: int = setting("composed poses by which conditions are chosen and weighed", whole(10))
    captions: int = setting("composed captions", whole(1))
    steps: int = setting("optimiser steps", whole(1))
    batch_size: int = setting("captions in a step", whole(1))
    learning_rate: float = setting("peak learning rate of AdamW", number(1e-8, 1))
    warmup_steps: int = setting("steps until the learning rate peaks; then it falls to zero along a cosine", whole(0))
    weight_decay: float = setting("AdamW's weight decay", number(0, 1))
    word_dropout: float = setting("share of the words that are hidden while it learns", number(0, 0.9))
    vocabulary: int = setting("largest size of the vocabulary", whole(1))
    word_width: int = setting("size of a word's vector", whole(1))
    width: int = setting("channels of the convolutions", whole(1))
    features: int = setting("channels whose largest values over a caption are taken", whole(1))


def register_judge_schema() -> None:
    """Register the schema with Hydra under the name that `conf/judge.yaml` uses."""
    ConfigStore.instance().store(name="judge_schema", node=JudgeConfig)
