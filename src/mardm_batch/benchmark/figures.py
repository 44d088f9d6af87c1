"""The figures of a benchmark, and their JSON: one object with dotted keys, such as `render.ms`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mardm_batch.errors import InputError
from mardm_batch.system.json_records import JsonRecord

PUBLISHED_BATCH = 8
"""Poses at once in the published program."""

JsonValue = float | str


@dataclass(frozen=True)
class Section(JsonRecord):
    """Base of figures whose keys share a prefix. Figures that are None have no key."""

    KEYS: ClassVar[tuple[str, ...]] = ()
    """Fields that are part of the prefix."""
    DERIVED: ClassVar[tuple[str, ...]] = ()
    """Properties that are written and not read."""

    def to_dotted(self, prefix: str) -> dict[str, JsonValue]:
        """The figures by their dotted keys."""
        values = {**self.to_json(), **{name: getattr(self, name) for name in self.DERIVED}}
        written = {name: value for name, value in values.items() if name not in self.KEYS and value is not None}
        return {f"{prefix}.{name}": value for name, value in written.items()}

    @classmethod
    def from_dotted(cls, document: Mapping[str, Any], prefix: str, **keys: JsonValue) -> Self:
        """The figures with this prefix; `keys` are the fields in the prefix. Raises ValueError."""
        start = f"{prefix}."
        values = {key.removeprefix(start): value for key, value in document.items() if key.startswith(start)}
        return cls.from_json({**values, **keys})


@dataclass(frozen=True)
class MachineFigures(Section):
    """The machine; its peak is the speed of a large matrix product."""

    processor: str
    cores: int
    device: str
    torch: str
    float32_gflops: float
    bfloat16_gflops: float

    def peak_flops(self, precision: str) -> float:
        """Floating-point operations per second in `float32` or `bfloat16`."""
        return 1e9 * (self.float32_gflops if precision == "float32" else self.bfloat16_gflops)


@dataclass(frozen=True)
class StartUpFigures(Section):
    """Seconds of commands that load no model."""

    help_s: float
    bad_setting_s: float


@dataclass(frozen=True)
class PictureFigures(Section):
    """Milliseconds per picture, drawn and written; `naive` is the baseline."""

    ms: float
    largest_kb: float
    naive_ms: float

    DERIVED = ("speedup",)

    @property
    def speedup(self) -> float:
        return self.naive_ms / self.ms


@dataclass(frozen=True)
class TextEncoderFigures(Section):
    """Milliseconds per caption; `naive` is the baseline."""

    ms: float
    naive_ms: float

    DERIVED = ("speedup",)

    @property
    def speedup(self) -> float:
        return self.naive_ms / self.ms


@dataclass(frozen=True)
class EmbeddedFigures(Section):
    """The embedded model. Errors are mean joint distances between poses, in millimetres."""

    ms_per_pose: float
    bfloat16_error_mm: float
    """bfloat16 against float32."""
    dopri5_error_mm: float | None = None
    """The default solver against dopri5; None without torchdiffeq."""


@dataclass(frozen=True)
class SamplerFigures(Section):
    """Decoding loops of a published model at one precision and batch size; `plain` is the published loop.

    `run` says how much of a loop was run; `evaluations` counts those of the diffusion head.
    """

    precision: str
    batch: int
    run: str
    evaluations: int
    s_per_pose: float
    peak_share: float
    """Share of the machine's peak."""
    plain_run: str | None = None
    plain_evaluations: int | None = None
    plain_s_per_pose: float | None = None

    KEYS = ("precision", "batch")
    DERIVED = ("speedup",)

    @property
    def speedup(self) -> float | None:
        return None if self.plain_s_per_pose is None else self.plain_s_per_pose / self.s_per_pose


@dataclass(frozen=True)
class MemoryFigures(Section):
    """Peak memory of the sampling process with the preset lowmem, in MiB."""

    xl_peak_mb: float
    embedded_peak_rss_mb: float


@dataclass(frozen=True)
class RunFigures(Section):
    """A run of the command from captions to files. Memory is in MiB, and `first_pose_s` includes the start-up."""

    prompts: int
    seconds: float
    poses_per_s: float
    rate_at_start: float
    rate_at_end: float
    sampler_peak_rss_mb: float
    """Of the process that samples."""
    peak_rss_mb: float
    """Of all processes together; pages that they share count for each."""
    first_pose_s: float

    KEYS = ("prompts",)


@dataclass(frozen=True)
class SamplerHeadline(Section):
    """The largest batch in the fastest precision, against the published loop at its precision and batch size."""

    s_per_pose: float
    peak_share: float
    plain_s_per_pose: float | None

    DERIVED = ("speedup",)

    @property
    def speedup(self) -> float | None:
        return None if self.plain_s_per_pose is None else self.plain_s_per_pose / self.s_per_pose


@dataclass(frozen=True)
class Figures:
    """All figures of a benchmark."""

    suite: str
    machine: MachineFigures
    start_up: StartUpFigures
    pictures: PictureFigures
    text_encoder: TextEncoderFigures | None
    """None without transformers."""
    embedded: EmbeddedFigures
    sampler: tuple[SamplerFigures, ...]
    """By precision, then by batch size; the last one is the fastest."""
    memory: MemoryFigures
    runs: tuple[RunFigures, ...]
    """By number of captions."""

    @property
    def sampler_headline(self) -> SamplerHeadline:
        published = ("float32", PUBLISHED_BATCH)
        plain = next(
            (each.plain_s_per_pose for each in self.sampler if (each.precision, each.batch) == published), None
        )
        return SamplerHeadline(self.sampler[-1].s_per_pose, self.sampler[-1].peak_share, plain)

    @property
    def first_pose_s(self) -> float:
        """Seconds from the start of the command to the first pose, in the smallest run."""
        return self.runs[0].first_pose_s

    def to_json(self) -> dict[str, JsonValue]:
        return {
            "suite": self.suite,
            **self.machine.to_dotted("machine"),
            **self.start_up.to_dotted("startup"),
            **self.pictures.to_dotted("render"),
            **(self.text_encoder.to_dotted("text.clip") if self.text_encoder else {}),
            **self.embedded.to_dotted("sampler.embedded"),
            **{key: value for each in self.sampler for key, value in each.to_dotted(sampler_prefix(each)).items()},
            **self.memory.to_dotted("lowmem"),
            **{
                key: value
                for each in self.runs
                for key, value in each.to_dotted(f"end_to_end.prompts_{each.prompts}").items()
            },
            **self.sampler_headline.to_dotted("sampler.xl"),
            "end_to_end.poses_per_s": self.runs[-1].poses_per_s,
            "end_to_end.peak_rss_mb": self.runs[-1].peak_rss_mb,
            "startup.first_pose_s": self.first_pose_s,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Figures":
        """The figures that `to_json` wrote.

        Raises:
            InputError: a figure is missing or of another type.
        """
        try:
            return cls(
                suite=document["suite"],
                machine=MachineFigures.from_dotted(document, "machine"),
                start_up=StartUpFigures.from_dotted(document, "startup"),
                pictures=PictureFigures.from_dotted(document, "render"),
                text_encoder=TextEncoderFigures.from_dotted(document, "text.clip")
                if "text.clip.ms" in document
                else None,
                embedded=EmbeddedFigures.from_dotted(document, "sampler.embedded"),
                sampler=tuple(
                    SamplerFigures.from_dotted(document, found[0], precision=found[1], batch=int(found[2]))
                    for found in matching_prefixes(document, r"sampler\.xl\.(\w+)\.batch_(\d+)")
                ),
                memory=MemoryFigures.from_dotted(document, "lowmem"),
                runs=tuple(
                    RunFigures.from_dotted(document, found[0], prompts=int(found[1]))
                    for found in matching_prefixes(document, r"end_to_end\.prompts_(\d+)")
                ),
            )
        except (KeyError, ValueError) as error:
            raise InputError(f"not the figures of a benchmark: {error}") from None


def sampler_prefix(figures: SamplerFigures) -> str:
    return f"sampler.xl.{figures.precision}.batch_{figures.batch}"


def matching_prefixes(document: Mapping[str, Any], pattern: str) -> Iterator[re.Match[str]]:
    """Matches of a pattern with different prefixes of the keys, in the order of the keys."""
    matches = (re.match(rf"{pattern}(?=\.)", key) for key in document)
    yield from {match[0]: match for match in matches if match is not None}.values()
