"""The settings of a run: their types, what they mean, and what is allowed.

The values live in `conf/`, the help and the range checks here, beside each other. Nothing here imports torch, so that
a mistake in a setting is reported at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.errors import ConfigurationError

LONGEST_CLIP = 196
"""Frames of the longest clip in HumanML3D, on which the published models were trained."""
SOLVER_STEPS = {"adams": 10, "midpoint": 8, "euler": 8, "dopri5": 50}
"""Usual steps; of dopri5 the points of the grid over which the published sampler integrates."""


@dataclass(frozen=True)
class Allowed:
    """What a value may be: `words` complete the sentence "must be …"."""

    words: str
    holds: Callable[[Any], bool]


def whole(low: int, high: int | None = None) -> Allowed:
    words = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    return Allowed(words, lambda value: value >= low and (high is None or value <= high))


def number(low: float, high: float) -> Allowed:
    return Allowed(f"a number from {low:g} to {high:g}", lambda value: low <= value <= high)


def one_of(*choices: str) -> Allowed:
    return Allowed("one of " + ", ".join(choices), lambda value: value in choices)


def setting(help: str, allowed: Allowed | None = None) -> Any:
    """A field of a settings class. A value of None is allowed wherever the type is optional."""
    return field(default=MISSING, metadata={"help": help, "allowed": allowed})


def out_of_range(key: str, value: object, words: str) -> ConfigurationError:
    shown = "null" if value is None else value
    return ConfigurationError(f"{key}={shown}: must be {words}")


@dataclass
class Settings:
    """Base of all settings classes: every field that says what is allowed is checked when the object is made."""

    SECTION: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            allowed, value = each.metadata.get("allowed"), getattr(self, each.name)
            optional = value is None and each.type is not Any  # OmegaConf refuses null for other types
            if allowed is not None and not optional and not allowed.holds(value):
                raise out_of_range(self.key(each.name), value, allowed.words)

    def key(self, name: str) -> str:
        return f"{self.SECTION}.{name}" if self.SECTION else name


@dataclass
class PathSettings(Settings):
    SECTION: ClassVar[str] = "paths"

    prompts: str | None = setting(
        "file of captions (.md, .txt, .csv, .jsonl); null: the 100 that ship with the package"
    )
    output: str = setting("where the poses go", Allowed("the path of a folder", bool))
    temp: str = setting("files in the making; emptied and removed at the end", Allowed("the path of a folder", bool))


@dataclass
class SamplingSettings(Settings):
    SECTION: ClassVar[str] = "sampling"

    sequence_length: int = setting(
        "frames of the clip, 20 a second",
        Allowed(
            f"a multiple of {FRAMES_PER_TOKEN} from {FRAMES_PER_TOKEN} to {LONGEST_CLIP}",
            lambda value: value % FRAMES_PER_TOKEN == 0 and FRAMES_PER_TOKEN <= value <= LONGEST_CLIP,
        ),
    )
    time_steps: int = setting("decoding steps in which the tokens are unmasked", whole(1, 1000))
    cfg: float = setting("guidance scale: 1 is none, more follows the caption more closely", number(0, 100))
    batch_size: Any = setting(
        "poses at once; auto: as many as pay, which for large networks the first batches of a job show",
        Allowed(
            "auto or a whole number of at least 1",
            lambda value: value == "auto" or (type(value) is int and value >= 1),
        ),
    )
    precision: str = setting(
        "of the networks' matrix products: bfloat16 is fast on CUDA and on CPUs with AMX or AVX512_BF16, and moves "
        "joints by some millimetres; auto: bfloat16 for the published models where it is fast, else float32",
        one_of("auto", "float32", "bfloat16"),
    )
    frame_index: int | None = setting("frame of the clip that becomes the pose; null: the middle one", whole(0))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_index is not None and self.frame_index >= self.sequence_length:
            raise out_of_range(
                "sampling.frame_index",
                self.frame_index,
                f"null or from 0 to {self.sequence_length - 1} (sampling.sequence_length={self.sequence_length})",
            )

    @property
    def chosen_frame(self) -> int:
        return self.sequence_length // 2 if self.frame_index is None else self.frame_index


@dataclass
class NetworkSettings(Settings):
    """Sizes of the networks; they must be those of the checkpoint."""

    SECTION: ClassVar[str] = "model.network"

    autoencoder_width: int = setting("channels of the autoencoder's convolutions", whole(1))
    latent: int = setting("numbers in a latent token", whole(1))
    text: int = setting("numbers in a caption's embedding", whole(1))
    width: int = setting("channels of the transformer", whole(1))
    layers: int = setting("blocks of the transformer", whole(1))
    heads: int = setting("attention heads", whole(1))
    mlp_width: int = setting("hidden channels of the transformer's MLP", whole(1))
    head_width: int = setting("channels of the diffusion head", whole(1))
    head_blocks: int = setting("residual blocks of the diffusion head", whole(1))


@dataclass
class ModelSettings(Settings):
    SECTION: ClassVar[str] = "model"

    name: str = setting("written into every pose's JSON; of a published model also the folder of its checkpoint")
    cfg: float = setting("the model's own guidance scale", number(0, 100))
    cfg_quality: float = setting("the guidance scale of the preset quality", number(0, 100))


@dataclass
class FlowSettings(ModelSettings):
    """A model whose diffusion head is a flow (SiT): an ordinary differential equation is solved for every token."""

    solver: str = setting(
        "adams, midpoint, euler: fixed steps of 1, 2, 1 evaluations; dopri5: adaptive, as published, one pose at a "
        "time unless sampling.batch_size is a number",
        one_of(*SOLVER_STEPS),
    )
    solver_steps: int | None = setting(
        "steps of the solver, of dopri5 points of its time grid; null: "
        + ", ".join(f"{solver} {steps}" for solver, steps in SOLVER_STEPS.items()),
        whole(2, 1000),
    )

    def sampler_settings(self) -> dict[str, Any]:
        """What of the model's settings decides what a pose is."""
        return {"solver": self.solver, "solver_steps": self.solver_steps or SOLVER_STEPS[self.solver]}


@dataclass
class EmbeddedSettings(FlowSettings):
    weights: str | None = setting("a file written by mardm_batch.train; null: the weights that ship with the package")
    on_floor: bool = setting("true: the lowest joint rests on the floor, as in every pose that was trained on")
    joint_limits: bool = setting("true: a pose with a joint beyond human limits is sampled anew, at most twice")

    def sampler_settings(self) -> dict[str, Any]:
        """What of the model's settings decides what a pose is."""
        return {**super().sampler_settings(), "on_floor": self.on_floor, "joint_limits": self.joint_limits}


@dataclass
class PublishedSettings(Settings):
    """Where a published model's files are."""

    SECTION: ClassVar[str] = "model"

    checkpoints: str | None = setting("folder with AE/model/latest.tar and NAME/model/latest.tar")
    stats: str | None = setting("folder with Mean.npy and Std.npy")
    download: bool = setting("true: get what is missing from the Hugging Face hub")
    text_encoder: str = setting("CLIP by its hub name, or a local folder")
    network: NetworkSettings = setting("sizes of the networks")


@dataclass
class SitSettings(PublishedSettings, FlowSettings):
    pass


@dataclass
class DdpmSettings(PublishedSettings, ModelSettings):
    temperature: float = setting("scales the noise of the 50 diffusion steps", number(0, 10))

    def sampler_settings(self) -> dict[str, Any]:
        """What of the model's settings decides what a pose is."""
        return {"temperature": self.temperature}


@dataclass
class RenderSettings(Settings):
    SECTION: ClassVar[str] = "render"

    enabled: bool = setting("false: no pictures, and none expected")
    azimuth: float = setting("camera around the person in degrees; 0 is in front", number(-180, 180))
    elevation: float = setting("camera above the horizontal in degrees", number(0, 80))
    background: str = setting("colour behind the person")
    floor: str = setting("colour of the floor")
    grid: str = setting("colour of the floor's lines")
    ink: str = setting("colour of the caption")
    left: str = setting("colour of the left side of the body")
    right: str = setting("colour of the right side of the body")
    spine: str = setting("colour of the spine and head")
    legend: bool = setting("name the colours of the sides in a corner")


@dataclass
class TrackingSettings(Settings):
    SECTION: ClassVar[str] = "tracking"

    mode: str = setting(
        "auto: online where an API key is configured, else offline",
        one_of("auto", "online", "offline", "disabled"),
    )
    project: str = setting("Weights & Biases project")
    entity: str | None = setting("Weights & Biases team or user; null: your default")


@dataclass
class PoseTrackingSettings(TrackingSettings):
    samples: int = setting("sample pictures a run", whole(0, 100))


@dataclass
class Config(Settings):
    """All settings of a generating run."""

    shard: int | None = setting("null: every prompt; k: the k-th of num_shards", whole(0))
    num_shards: int = setting("into how many shards the prompts are divided", whole(1))
    gpu_ids: list[int] | None = setting(
        "GPUs to use, such as [1,2,3]; null: every visible GPU in order, else the CPU",
        Allowed(
            "null or a list of different GPU numbers",
            lambda ids: len(ids) > 0 and min(ids) >= 0 and len(set(ids)) == len(ids),
        ),
    )
    cpu_threads: int | None = setting(
        "CPU cores that sampling, drawing and writing share; null: every core, in a sweep the job's share of them",
        whole(1),
    )
    seed: int = setting("another seed gives other poses for the same captions", whole(0, 2**63 - 1))
    limit: int | None = setting("first N prompts only", whole(1))
    existing: str = setting("what to do with finished poses", one_of("skip", "overwrite", "error"))
    retry: str | None = setting("failed: only what failed before; null: all that is unfinished", one_of("failed"))
    paths: PathSettings = setting("files and folders")
    sampling: SamplingSettings = setting("how a clip is sampled")
    render: RenderSettings = setting("pictures")
    model: Any = setting("config group: embedded, mardm_sit_xl, mardm_ddpm_xl")
    tracking: PoseTrackingSettings = setting("config group: wandb")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shard is not None and self.shard >= self.num_shards:
            raise out_of_range(
                "shard", self.shard, f"null or from 0 to {self.num_shards - 1} (num_shards={self.num_shards})"
            )


def register_schema() -> None:
    """Give Hydra the types under the names that the files in `conf/` start from."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(group="schema/model", name="embedded", node=EmbeddedSettings)
    store.store(group="schema/model", name="sit", node=SitSettings)
    store.store(group="schema/model", name="ddpm", node=DdpmSettings)


def conf_dir() -> Path:
    """The folder of the configuration files: packaged in a wheel, the repository's own in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parents[1] / "conf"
