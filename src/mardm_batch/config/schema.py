"""The settings of a run: their types, meanings and allowed values.

The values live in `conf/`, the help and the range checks here, beside each other. Nothing here imports torch, so that
a mistake in a setting is reported at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, get_args

from mardm_batch.constants import FRAMES_PER_TOKEN, chosen_frame
from mardm_batch.errors import ConfigurationError

MISSING: Any = "???"
"""OmegaConf's mark of a value that must be set. Drawing processes import this: neither OmegaConf nor Hydra is."""
LONGEST_CLIP = 196
"""Frames of the longest clip in HumanML3D, on which the published models were trained."""


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have: `words` complete the sentence "must be …"."""

    words: str
    contains: Callable[[Any], bool]


def whole(low: int, high: int | None = None) -> Allowed:
    """Whole numbers, both ends included."""
    words = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    return Allowed(words, lambda value: value >= low and (high is None or value <= high))


def number(low: float, high: float) -> Allowed:
    """Numbers, both ends included."""
    return Allowed(f"a number from {low:g} to {high:g}", lambda value: low <= value <= high)


def one_of(*choices: str) -> Allowed:
    """Some words."""
    return Allowed("one of " + ", ".join(choices), lambda value: value in choices)


FOLDER = Allowed("the path of a folder on this machine", lambda path: bool(path) and "://" not in path)


def setting(help: str, allowed: Allowed | None = None, default: Any = MISSING) -> Any:
    """A field of a settings class, that must be set unless it has a default. None is allowed wherever the type is
    optional."""
    return field(default=default, metadata={"help": help, "allowed": allowed})


def or_null(words: str, type: Any) -> str:
    """The allowed values of a field, in words, with null where the field's type allows it."""
    return f"null or {words}" if NoneType in get_args(type) and not words.startswith("null") else words


def out_of_range(key: str, value: object, words: str) -> ConfigurationError:
    """The error about a value that is not allowed."""
    shown = "null" if value is None else value
    if value == "":
        return ConfigurationError(f"{key}= is empty: it must be {words}")
    return ConfigurationError(f"{key}={shown}: must be {words}")


@dataclass
class Settings:
    """Base of all settings classes: fields with allowed values are checked when an object is made."""

    SECTION: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            allowed, value = each.metadata.get("allowed"), getattr(self, each.name)
            optional = value is None and each.type is not Any  # OmegaConf refuses null for other types
            if allowed is not None and not optional and not allowed.contains(value):
                raise out_of_range(self.key(each.name), value, or_null(allowed.words, each.type))

    def key(self, name: str) -> str:
        """The dotted key of a field."""
        return f"{self.SECTION}.{name}" if self.SECTION else name


@dataclass
class PathSettings(Settings):
    SECTION: ClassVar[str] = "paths"

    prompts: str | None = setting(
        "file of captions (.md, .txt, .csv, .tsv, .jsonl, .json, .parquet); null: the 100 that ship with the package"
    )
    output: str = setting("where the poses go", FOLDER)
    temp: str = setting("unfinished files while a run lasts; removed at its end", FOLDER)


@dataclass
class PromptSettings(Settings):
    SECTION: ClassVar[str] = "prompts"

    column: str | None = setting(
        "column or key of the captions in tables and JSON; null: caption, text or prompt, else the only one",
        Allowed("null or the name of a column", lambda value: bool(value.strip())),
    )
    names: str = setting(
        "what files are named by: the caption, the column id (without one the row), or the place in the list",
        one_of("caption", "id", "index"),
    )


@dataclass
class SamplingSettings(Settings):
    SECTION: ClassVar[str] = "sampling"

    sequence_length: int = setting(
        "frames of the clip, 20 a second; with output.clip=true those of a list (caption#120) go before",
        Allowed(
            f"a multiple of {FRAMES_PER_TOKEN} from {FRAMES_PER_TOKEN} to {LONGEST_CLIP}",
            lambda value: value % FRAMES_PER_TOKEN == 0 and FRAMES_PER_TOKEN <= value <= LONGEST_CLIP,
        ),
    )
    time_steps: int | None = setting(
        "decoding steps in which the tokens are unmasked; null for a model that has none", whole(1, 1000)
    )
    cfg: float = setting("guidance scale: 1 is none, more follows the caption more closely", number(0, 100))
    batch_size: Any = setting(
        "poses sampled at once; auto: grows with the first batches of a run as long as the rate grows",
        Allowed(
            "auto or a whole number of at least 1",
            lambda value: value == "auto" or (type(value) is int and value >= 1),
        ),
    )
    precision: str = setting(
        "precision of matrix products: bfloat16 is faster on CUDA and on CPUs with AMX or AVX512_BF16 and moves joints "
        "by a few millimetres; auto: bfloat16 for the published models where it is faster, else float32",
        one_of("auto", "float32", "bfloat16"),
    )
    frame_index: int | None = setting("frame of the clip that becomes the pose; null: the middle one", whole(0))
    candidates: int = setting(
        "poses sampled for a caption, of which the one that agrees best with it is kept", whole(1)
    )
    min_agreement: float | None = setting(
        "where the pose kept agrees less with its caption, or could not stand so, up to three more are sampled; null: "
        "none",
        number(0, 1),
    )
    adjust: bool = setting(
        "poses that miss what their caption states in so many words ('the left knee bent at 90 degrees'), or would "
        "fall, are changed as little as need be; their JSON says for what (adjusted_for)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_index is not None and self.frame_index >= self.sequence_length:
            raise out_of_range(
                "sampling.frame_index",
                self.frame_index,
                f"null or from 0 to {self.sequence_length - 1} (sampling.sequence_length={self.sequence_length})",
            )

    @property
    def chooses_poses(self) -> bool:
        """Whether a pose may be chosen among several, by its agreement with the caption."""
        return self.candidates > 1 or self.min_agreement is not None

    @property
    def chosen_frame(self) -> int:
        """The frame of the clip that becomes the pose."""
        return chosen_frame(self.sequence_length, self.frame_index)

    @property
    def decoding_steps(self) -> int:
        """`time_steps` of a model that decodes in steps.

        Raises:
            ConfigurationError: it is null.
        """
        if self.time_steps is None:
            raise out_of_range("sampling.time_steps", None, "a whole number from 1 to 1000 for this model")
        return self.time_steps


@dataclass
class SampledSettings(Settings):
    """Settings of what is sampled: they know which sampling settings suit it."""

    def check_sampling(self, sampling: SamplingSettings) -> None:
        """Raise ConfigurationError where the sampling settings do not suit."""


@dataclass
class OutputSettings(Settings):
    SECTION: ClassVar[str] = "output"

    layout: str = setting(
        "flat: all files side by side; nested: in 1,024 folders, ab/NAME.png; shards: tars of 1,000 poses for "
        "WebDataset and a Parquet file beside each",
        one_of("flat", "nested", "shards"),
    )
    clip: bool = setting(
        "true: the whole clip too, NAME.clip.npy (frames, 22, 3), as long as the prompt file says (caption#120)"
    )
    list_rejected: bool = setting(
        "false: poses that a review rejected are not in metadata.jsonl and the dataset card, and datasets does not "
        "load them"
    )


@dataclass
class Config(Settings):
    """All settings of a generating run."""

    shard: int | None = setting("null: every prompt; k: the k-th of num_shards", whole(0))
    num_shards: int = setting("number of shards that the prompts are divided into", whole(1))
    gpu_ids: list[int] | None = setting(
        "GPUs to use, such as [1,2,3]; null: every visible GPU in order, else the CPU",
        Allowed(
            "null or a list of different GPU numbers",
            lambda ids: len(ids) > 0 and min(ids) >= 0 and len(set(ids)) == len(ids),
        ),
    )
    cpu_threads: int | None = setting(
        "CPU cores for sampling, drawing and writing; null: all of them, in a sweep an equal share per job",
        whole(1),
    )
    seed: int = setting("another seed gives other poses for the same captions", whole(0, 2**63 - 1))
    limit: int | None = setting("first N captions only", whole(1))
    existing: str = setting(
        "finished poses: skip leaves those that this run would make alike and refuses others, keep leaves all, "
        "overwrite makes all again, error refuses any",
        one_of("skip", "keep", "overwrite", "error"),
    )
    retry: str | None = setting(
        "failed: only what failed before; rejected: what a review rejected, with other noise; null: all that is "
        "unfinished",
        one_of("failed", "rejected"),
    )
    unknown_words: str = setting(
        "a caption with words that the model does not know: warn makes its pose, fail makes it a failure; one without "
        "any known word is a failure always",
        one_of("warn", "fail"),
    )
    poses_per_caption: int = setting(
        "poses of each caption, with other noise; those after the first are named NAME__2, NAME__3 and so on",
        whole(1, 1000),
    )
    paths: PathSettings = setting("files and folders")
    prompts: PromptSettings = setting("how captions are read and poses are named")
    sampling: SamplingSettings = setting("how a clip is sampled")
    output: OutputSettings = setting("what is written beside the pose")
    render: Any = setting("config group: how pictures look")
    model: Any = setting("config group: the model that makes the poses")
    tracking: Any = setting("config group: where metrics and sample pictures go")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shard is not None and self.shard >= self.num_shards:
            raise out_of_range(
                "shard", self.shard, f"null or from 0 to {self.num_shards - 1} (num_shards={self.num_shards})"
            )
        self.check_sampling(self.sampling)

    def check_sampling(self, sampling: SamplingSettings) -> None:
        """Raise ConfigurationError where the sampling settings do not suit the model."""
        if isinstance(self.model, SampledSettings):
            self.model.check_sampling(sampling)

    def check_clip_length(self, frames: int) -> None:
        """Raise ConfigurationError where a clip of so many frames cannot be sampled."""
        self.check_sampling(replace(self.sampling, sequence_length=frames))


def register_schema() -> None:
    """Give Hydra the types under the names that the files in `conf/` start from."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Config)


def conf_dir() -> Path:
    """The folder of the configuration files: packaged in a wheel, the repository's own in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parents[1] / "conf"
