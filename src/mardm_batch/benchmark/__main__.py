"""Measure what users wait for beside the plain way to do it: sampling, pictures, text, whole runs, start-up.

python -m mardm_batch.benchmark [--json FILE] [--suite quick|full]
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mardm_batch.benchmark.runs import make_poses, seconds_until_it_ends
from mardm_batch.benchmark.table import show
from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.errors import ExitCode, MardmBatchError
from mardm_batch.prompts.prompt_list import read_prompts
from mardm_batch.registries import register_schemas
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import CONSOLE

Numbers = Iterator[tuple[str, float | str]]
"""Keys of the JSON with their values, as they are measured."""
Part = tuple[str, Callable[[], Numbers]]

CAPTIONS: Final = Path(__file__).parents[1] / "assets" / "static_poses_10k.md"
PLAIN_BATCH: Final = 8
"""The published program's."""
ROWS_LIKE_TIME: Final = 64
"""From so many poses at once on, a decoding step takes as long as its tokens."""
LOWMEM_CAPTIONS: Final = 40

USAGE = """\
  python -m mardm_batch.benchmark                       quick: under three minutes on two quiet cores
  python -m mardm_batch.benchmark --suite full          under twenty: every batch size, the plain loop run whole,
                                                        10,000 captions end to end
  python -m mardm_batch.benchmark --json figures.json   the same numbers for programs, under keys with dots

Sampling is the decoding loop of model=mardm_sit_xl with random weights; nothing is downloaded or saved. "Plain" is the
published program's way: every masked token sampled in every step, with dopri5, 8 poses at once. Where a loop takes long
some of its steps are run for all, and the table says which. The machine's peak is that of a matrix product of
2048 x 1792 x 1792 in the same run. Pictures are drawn on one core, writing included; the plain way is a new matplotlib
figure and savefig. End to end is the command with the embedded model, default settings and pictures, start-up included.
Have the machine to yourself meanwhile. Exit codes: 0; 1 a run failed; 2 bad arguments; 130 interrupted.
"""


@dataclass(frozen=True)
class Suite:
    """How much is measured."""

    batches: Sequence[int]
    """Poses at once by the sampler, in the fastest precision."""
    slower_batches: Sequence[int]
    """The same in float32 where bfloat16 is faster."""
    whole: bool
    """All of our loop is run, and the plain loop at every batch size, all of it at the published one."""
    prompts: Sequence[int]
    """Captions end to end."""
    captions: int
    """Captions for pictures, text encoder and the embedded model."""


SUITES: Final = {
    "quick": Suite(batches=(8, 256), slower_batches=(8,), whole=False, prompts=(100, 1000), captions=64),
    "full": Suite(
        batches=(1, 8, 64, 128, 256),
        slower_batches=(1, 8, 64, 128, 256),
        whole=True,
        prompts=(100, 1000, 10000),
        captions=256,
    ),
}


def parts_of(suite: Suite, embedded: Config, published: Config, words: Sequence[str]) -> list[Part]:
    """What is measured, in its order. `words` go to the command line of the runs."""
    import torch

    from mardm_batch.benchmark import parts as parts
    from mardm_batch.sampling.device import bfloat16_is_faster, shard_device

    threads = available_cores()
    torch.set_num_threads(threads)
    device = shard_device(None, None, torch.cuda.device_count())
    captions = evenly(suite.captions)
    fewer = max(len(captions) // 4, 2)
    batches = {"float32": suite.batches}
    if bfloat16_is_faster(device):
        batches = {"float32": suite.slower_batches, "bfloat16": suite.batches}
    return [
        ("machine", partial(machine, device)),
        ("start-up", startup),
        ("pictures", partial(pictures, embedded, captions, fewer, threads)),
        ("text encoder", partial(parts.text_encoder, captions, fewer, device)),
        ("embedded model", partial(parts.embedded_model, embedded, captions, threads)),
        *(
            (f"sampler, {precision}", partial(sampling, published, device, precision, each, suite.whole))
            for precision, each in batches.items()
        ),
        ("memory", partial(lowmem, published, device, words)),
        *((f"{count} captions end to end", partial(end_to_end, count, words)) for count in suite.prompts),
    ]


def machine(device: str) -> Numbers:
    """What it is measured on, and how fast that multiplies matrices."""
    import torch

    from mardm_batch.benchmark.sampler import matrix_peak

    yield "machine.processor", processor_name()
    yield "machine.cores", available_cores()
    yield "machine.device", device if device == "cpu" else torch.cuda.get_device_name(device)
    yield "machine.torch", torch.__version__
    for precision in ("float32", "bfloat16"):
        yield f"machine.{precision}_gflops", matrix_peak(precision, device) / 1e9


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def startup() -> Numbers:
    yield "startup.help_s", seconds_until_it_ends(["--help"], times=3)
    yield "startup.bad_setting_s", seconds_until_it_ends(["sampling.batch_size=0"], times=3)


def pictures(config: Config, captions: Sequence[str], plain: int, threads: int) -> Numbers:
    from mardm_batch.benchmark import parts as parts

    poses = parts.sample_poses(config, captions, threads)
    with tempfile.TemporaryDirectory(prefix="mardm-batch-") as folder:
        yield from parts.pictures(config.render, poses, captions, plain, Path(folder))


def sampling(config: Config, device: str, precision: str, batches: Sequence[int], whole: bool) -> Numbers:
    """Our loop at every batch size beside the plain one; where not `whole`, that at the published size alone."""
    from mardm_batch.benchmark.sampler import Job, matrix_peak

    job, peak = Job.of(config, device, precision), matrix_peak(precision, device)
    for batch in batches:
        key = f"sampler.xl.{precision}.batch_{batch}"
        ours = job.time_ours(batch, whole or batch <= PLAIN_BATCH)
        yield f"{key}.run", ours.run
        yield f"{key}.evaluations", ours.evaluations
        yield f"{key}.s_per_pose", ours.s_per_pose
        yield f"{key}.peak_share", job.flops_per_pose(batch) / ours.s_per_pose / peak
        if whole or batch == PLAIN_BATCH:
            plain = job.time_plain(batch, whole and batch == PLAIN_BATCH, batch >= ROWS_LIKE_TIME)
            yield f"{key}.plain_run", plain.run
            yield f"{key}.plain_evaluations", plain.evaluations
            yield f"{key}.plain_s_per_pose", plain.s_per_pose
            yield f"{key}.speedup", plain.s_per_pose / ours.s_per_pose


def lowmem(config: Config, device: str, words: Sequence[str]) -> Numbers:
    """The most memory of the sampling process with the preset lowmem: of an XL model, and of the embedded one."""
    from mardm_batch.benchmark.sampler import lowmem_peak_mb

    yield "lowmem.xl_peak_mb", lowmem_peak_mb(config, device)
    run = make_poses(evenly(LOWMEM_CAPTIONS), ["+preset=lowmem", *words])
    yield "lowmem.embedded_peak_rss_mb", run.sampler_peak_mb


def end_to_end(count: int, words: Sequence[str]) -> Numbers:
    run = make_poses(evenly(count), words)
    key = f"end_to_end.prompts_{count}"
    yield f"{key}.seconds", run.seconds
    yield f"{key}.poses_per_s", run.poses / run.seconds
    yield f"{key}.rate_at_start", run.rate_at_start
    yield f"{key}.rate_at_end", run.rate_at_end
    yield f"{key}.sampler_peak_rss_mb", run.sampler_peak_mb
    yield f"{key}.peak_rss_mb", run.peak_mb
    yield f"{key}.first_pose_s", run.first_pose_s


def evenly(count: int) -> list[str]:
    """So many of the 10,000 captions, from all over the list."""
    prompts = read_prompts(CAPTIONS).prompts
    return [prompt.caption for prompt in prompts[:: max(len(prompts) // count, 1)][:count]]


def headlines(numbers: Mapping[str, float | str]) -> Numbers:
    """The numbers that matter most, under short keys: the published way, and ours at its best and largest."""
    measured = [key.removesuffix(".peak_share") for key in numbers if key.endswith(".peak_share")]
    fastest, plain = measured[-1], numbers[f"sampler.xl.float32.batch_{PLAIN_BATCH}.plain_s_per_pose"]
    ours = numbers[f"{fastest}.s_per_pose"]
    yield "sampler.xl.plain_s_per_pose", plain
    yield "sampler.xl.s_per_pose", ours
    yield "sampler.xl.speedup", float(plain) / float(ours)
    yield "sampler.xl.peak_share", numbers[f"{fastest}.peak_share"]
    runs = [key.removesuffix(".seconds") for key in numbers if key.endswith(".seconds")]
    for what in ("poses_per_s", "peak_rss_mb"):
        yield f"end_to_end.{what}", numbers[f"{runs[-1]}.{what}"]
    yield "startup.first_pose_s", numbers[f"{runs[0]}.first_pose_s"]


def measure(parts: Sequence[Part]) -> dict[str, float | str]:
    """All parts one after the other, with what was measured last on the terminal."""
    numbers: dict[str, float | str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[last]}"), console=CONSOLE, transient=True) as progress:
        task = progress.add_task("", total=len(parts), last="")
        for title, part in parts:
            progress.update(task, description=title)
            for key, value in part():
                numbers[key] = value
                progress.update(task, last=f"{key} {value:.4g}" if isinstance(value, float) else "")
            progress.advance(task)
    numbers.update(headlines(numbers))
    return numbers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.benchmark",
        description="Measure the stages of the work beside the plain way to do them, and print a table.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=writable_file, metavar="FILE", help="write the numbers to this file too")
    parser.add_argument("--suite", choices=sorted(SUITES, reverse=True), default="quick", help="default: quick")
    options = parser.parse_args(arguments)
    try:
        register_schemas()
        embedded, published = (to_config(compose_config([f"model={name}"])) for name in ("embedded", "mardm_sit_xl"))
    except MardmBatchError as error:
        parser.exit(ExitCode.BAD_INPUT, f"error: {error}\n")
    try:
        numbers = {"suite": options.suite, **measure(parts_of(SUITES[options.suite], embedded, published, words=()))}
        if options.json is not None:
            write_atomically(options.json, json.dumps(numbers, indent=1).encode() + b"\n")
    except (MardmBatchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.SOME_FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    show(numbers, Console())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
