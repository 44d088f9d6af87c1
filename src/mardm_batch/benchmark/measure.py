"""All figures of a suite, in the order in which they are measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from mardm_batch.benchmark.embedded import measure_embedded, sample_poses
from mardm_batch.benchmark.figures import PUBLISHED_BATCH, Figures, MachineFigures, MemoryFigures, SamplerFigures
from mardm_batch.benchmark.machine import measure_machine
from mardm_batch.benchmark.pictures import measure_pictures
from mardm_batch.benchmark.runs import measure_run, measure_start_up
from mardm_batch.benchmark.sampler import Job, lowmem_peak_mb
from mardm_batch.benchmark.suites import Suite
from mardm_batch.benchmark.text_encoder import measure_text_encoder
from mardm_batch.config.schema import Config
from mardm_batch.model.flow import dopri5_is_installed
from mardm_batch.prompts.prompt_list import read_prompts
from mardm_batch.sampling.device import bfloat16_is_faster, shard_device
from mardm_batch.system.processes import available_cores

CAPTIONS: Final = Path(__file__).parents[1] / "assets" / "static_poses_10k.md"
COMPUTE_BOUND_BATCH: Final = 64
"""From this batch size on, the time of a decoding step is proportional to the number of its tokens."""
LOWMEM_CAPTIONS: Final = 40


def measure(
    suite: Suite,
    embedded: Config,
    published: Config,
    overrides: Sequence[str] = (),
    report: Callable[[str], None] = lambda step: None,
) -> Figures:
    """Measure the figures of a suite.

    Args:
        embedded: settings with the embedded model.
        published: settings with the published model whose decoding loop is measured.
        overrides: further settings of the runs of the command.
        report: called with the name of each step before it is measured.

    Raises:
        MardmBatchError: a run of the command failed.
    """
    threads = available_cores()
    torch.set_num_threads(threads)
    device = shard_device(None, None, torch.cuda.device_count())
    captions = bundled_captions(suite.captions)
    naive_count = max(len(captions) // 4, 2)
    with_dopri5 = dopri5_is_installed()

    report("machine")
    machine = measure_machine(device)
    report("start-up")
    start_up = measure_start_up()
    report("pictures")
    pictures = measure_pictures(embedded.render, sample_poses(embedded, captions, threads), captions, naive_count)
    report("text encoder")
    text_encoder = measure_text_encoder(captions, naive_count, device)
    report("embedded model")
    embedded_figures = measure_embedded(embedded, captions, threads, with_dopri5)
    sampler = tuple(measure_sampler(suite, published, device, machine, with_dopri5, report))
    report("memory")
    lowmem_run = measure_run(bundled_captions(LOWMEM_CAPTIONS), ["+preset=lowmem", *overrides])
    memory = MemoryFigures(lowmem_peak_mb(published, device), lowmem_run.sampler_peak_rss_mb)
    runs = []
    for count in suite.prompts:
        report(f"{count} captions from start to end")
        runs.append(measure_run(bundled_captions(count), overrides))
    return Figures(
        suite.name, machine, start_up, pictures, text_encoder, embedded_figures, sampler, memory, tuple(runs)
    )


def measure_sampler(
    suite: Suite,
    config: Config,
    device: str,
    machine: MachineFigures,
    with_plain: bool,
    report: Callable[[str], None],
) -> Iterator[SamplerFigures]:
    """Our decoding loop at every precision and batch size, against the published loop (`with_plain`)."""
    batches = {"float32": suite.batches}
    if bfloat16_is_faster(device):
        batches = {"float32": suite.slower_batches, "bfloat16": suite.batches}
    for precision, sizes in batches.items():
        job = Job.of(config, device, precision)
        for batch in sizes:
            report(f"sampler, {precision}, {batch} poses at once")
            ours = job.time_ours(batch, suite.whole or batch <= PUBLISHED_BATCH)
            figures = SamplerFigures(
                precision,
                batch,
                ours.run,
                ours.evaluations,
                ours.s_per_pose,
                peak_share=job.flops_per_pose(batch) / ours.s_per_pose / machine.peak_flops(precision),
            )
            if with_plain and (suite.whole or batch == PUBLISHED_BATCH):
                whole = suite.whole and batch == PUBLISHED_BATCH
                plain = job.time_plain(batch, whole, compute_bound=batch >= COMPUTE_BOUND_BATCH)
                figures = replace(
                    figures,
                    plain_run=plain.run,
                    plain_evaluations=plain.evaluations,
                    plain_s_per_pose=plain.s_per_pose,
                )
            yield figures


def bundled_captions(count: int) -> list[str]:
    """Some of the 10,000 bundled captions, evenly spaced over the list."""
    prompts = read_prompts(CAPTIONS).prompts
    return [prompt.caption for prompt in prompts[:: max(len(prompts) // count, 1)][:count]]
