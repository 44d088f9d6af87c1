"""The benchmark at tiny sizes; its counts are checked by other means."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from tests.support import TINY_SIT
from torch.utils.flop_counter import FlopCounterMode

from mardm_batch.benchmark.__main__ import main
from mardm_batch.benchmark.figures import Figures
from mardm_batch.benchmark.machine import matrix_peak
from mardm_batch.benchmark.measure import bundled_captions, measure, measure_sampler
from mardm_batch.benchmark.memory import peak_memory
from mardm_batch.benchmark.pictures import draw_naively
from mardm_batch.benchmark.runs import measure_run, shortest_seconds
from mardm_batch.benchmark.sampler import Job
from mardm_batch.benchmark.suites import Suite
from mardm_batch.benchmark.table import show
from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.errors import InputError, MardmBatchError
from mardm_batch.model.noise import KeyedNoise
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.registries import register_schemas

register_schemas()

FIXED_KEYS = [
    "sampler.xl.plain_s_per_pose",
    "sampler.xl.s_per_pose",
    "sampler.xl.speedup",
    "sampler.xl.peak_share",
    "render.naive_ms",
    "render.ms",
    "render.speedup",
    "end_to_end.poses_per_s",
    "end_to_end.peak_rss_mb",
    "startup.help_s",
    "startup.first_pose_s",
]
SMALL = Suite("small", batches=(2, 8), slower_batches=(8,), whole=True, prompts=(12,), captions=8)


def config_of(*words: str) -> Config:
    return to_config(compose_config([*words, "sampling.cfg=3"]))


@pytest.fixture(scope="module")
def job() -> Job:
    return Job.of(config_of(*TINY_SIT, "model.solver=midpoint"), "cpu", "float32")


@pytest.fixture(scope="module")
def figures(fluent_weights: Path) -> Iterator[Figures]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mardm_batch.benchmark.measure.available_cores", lambda: 1)  # threads would outlive this test
        patch.setattr("mardm_batch.benchmark.measure.LOWMEM_CAPTIONS", 4)
        patch.setattr("mardm_batch.benchmark.runs.shortest_seconds", lambda words, repeats: shortest_seconds(words, 1))
        overrides = [f"model.weights={fluent_weights}", "cpu_threads=1"]
        yield measure(SMALL, config_of(*overrides), config_of(*TINY_SIT), overrides)


@pytest.mark.slow
@pytest.mark.e2e
def test_every_figure_is_measured_shown_and_written(
    figures: Figures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mardm_batch.benchmark.measure.measure", lambda *_, **__: figures)
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "figures.json"
    assert main(["--json", str(path)]) == 0
    numbers = json.loads(path.read_text())
    for key in FIXED_KEYS:
        assert numbers[key] > 0, key
    assert numbers["render.speedup"] == pytest.approx(numbers["render.naive_ms"] / numbers["render.ms"])
    plain, ours = numbers["sampler.xl.plain_s_per_pose"], numbers["sampler.xl.s_per_pose"]
    assert numbers["sampler.xl.speedup"] == pytest.approx(plain / ours)
    assert plain == numbers["sampler.xl.float32.batch_8.plain_s_per_pose"]
    assert numbers["end_to_end.prompts_12.poses_per_s"] == pytest.approx(12 / numbers["end_to_end.prompts_12.seconds"])
    assert numbers["end_to_end.peak_rss_mb"] > numbers["end_to_end.prompts_12.sampler_peak_rss_mb"] > 100
    assert 100 < numbers["lowmem.embedded_peak_rss_mb"] < 500
    assert 0 < numbers["sampler.embedded.dopri5_error_mm"] < 100
    shown = capsys.readouterr().out
    for words in ("Sampler, XL size", "Against the baseline", "From start to end", "torch", f"{plain:.3g}"):
        assert words in shown


@pytest.mark.slow
@pytest.mark.e2e
def test_figures_are_read_as_they_were_written(figures: Figures) -> None:
    document = json.loads(json.dumps(figures.to_json()))
    assert Figures.from_json(document) == figures
    del document["render.ms"]
    with pytest.raises(InputError, match="not the figures of a benchmark"):
        Figures.from_json(document)


@pytest.mark.slow
@pytest.mark.e2e
def test_without_torchdiffeq_the_published_loop_is_skipped(
    figures: Figures, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    machine, suite = figures.machine, replace(SMALL, batches=(8,))
    sampler = tuple(measure_sampler(suite, config_of(*TINY_SIT), "cpu", machine, False, lambda step: None))
    assert {each.plain_s_per_pose for each in sampler} == {None}
    without = replace(figures, sampler=sampler, embedded=replace(figures.embedded, dopri5_error_mm=None))
    assert "sampler.xl.speedup" not in without.to_json()
    assert Figures.from_json(without.to_json()) == without
    show(without, Console())
    assert "pip install 'mardm-batch[dopri5]'" in capsys.readouterr().out


def test_our_loop_evaluates_the_head_as_often_as_its_steps_say(job: Job) -> None:
    whole, parts = job.time_ours(2, whole=True), job.time_ours(2, whole=False)
    assert whole.evaluations == parts.evaluations == 4 * 16  # four tokens, eight midpoint steps
    assert (whole.run, parts.run) == ("whole", "1 of 4 steps")


def test_the_published_loop_samples_every_masked_token(job: Job) -> None:
    assert sum(job.masked_tokens()) == 47  # as published for 16 frames and 18 steps
    whole, steps = job.time_plain(2, whole=True, compute_bound=False), job.time_plain(2, False, compute_bound=False)
    assert whole.evaluations > 18 * 6  # dopri5 takes at least a step of six evaluations
    assert steps.evaluations == pytest.approx(whole.evaluations, rel=0.2)
    assert steps.run == "4 of 18 steps"
    assert job.time_plain(2, False, compute_bound=True).run == "1 of 47 tokens"


def test_flops_are_those_of_the_matrix_products(job: Job) -> None:
    sizes, layers = job.network.sizes, job.network.head.res_blocks
    square = 2 * sizes.head_width**2
    rows = 4 * 2  # tokens, with and without the text
    blocks = rows * 16 * len(layers) * (3 + 2) * square  # midpoint: every evaluation has a time of its own
    assert blocks < job.flops_per_pose(1) < 2.5 * blocks


def test_flops_are_counted_at_the_batch_size(job: Job) -> None:
    counts = {}
    for batch in (1, 8):
        with FlopCounterMode(display=False) as counter:
            job.decode(job.ours, batch)
        counts[batch] = counter.get_total_flops() / batch
        assert job.flops_per_pose(batch) == pytest.approx(counts[batch], rel=0.01)
    assert counts[8] < 0.95 * counts[1]  # poses share the first token's answer without a text


def test_both_loops_make_latents_that_differ_from_pose_to_pose(job: Job) -> None:
    from mardm_batch.model.decoding import generate_latents

    condition = torch.randn(2, job.network.sizes.text)
    for settings in (job.ours, job.plain):
        latents = generate_latents(job.network, condition, [4, 4], KeyedNoise([1, 2]), settings)
        assert torch.isfinite(latents).all()
        assert (latents[0] - latents[1]).abs().max() > 0.1


def test_a_matrix_product_is_timed() -> None:
    assert 1e8 < matrix_peak("float32", "cpu", seconds=0.01) < 1e15


def test_the_naive_picture_is_of_the_same_size(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(NUM_JOINTS, 3)).astype(np.float32)
    draw_naively(joints, "A person", tmp_path / "naive.png")
    picture = Image.open(tmp_path / "naive.png")
    assert picture.size == (1200, 1200)
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 100


def test_captions_are_spread_over_the_list() -> None:
    few, more = bundled_captions(10), bundled_captions(1000)
    assert len(set(few)) == 10
    assert len(set(more)) == 1000
    assert len(set(bundled_captions(10000))) == 10000
    assert few[0] == more[0]
    assert few[-1] not in more[:900]


@pytest.mark.e2e
def test_a_run_that_fails_is_reported() -> None:
    with pytest.raises(MardmBatchError, match=r"exit code 2: error: sampling.time_steps=0"):
        measure_run(["A person"], ["sampling.time_steps=0"])
    assert shortest_seconds(["sampling.time_steps=0"], repeats=1) > 0


def test_memory_is_that_of_the_process_and_its_children() -> None:
    hold = "import time; held = bytearray(b'x' * 100_000_000); time.sleep(1)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    process = subprocess.Popen([sys.executable, "-c", child])
    with peak_memory(process.pid) as peak:
        process.wait()
    assert 1 < peak.process_mb < 90
    assert 100 < peak.total_mb < 250


@pytest.mark.parametrize("arguments", [["--suite", "endless"], ["--json", "no/such/folder/figures.json"]])
def test_bad_arguments_are_refused_at_once(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(arguments)
    assert refusal.value.code == 2
    assert arguments[1] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.e2e
def test_each_stage_is_a_line_without_a_terminal(
    figures: Figures, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure_in_stages(*_: object, report: Callable[[str], None], **__: object) -> Figures:
        report("machine")
        report("sampler, float32, 8 poses at once")
        return figures

    monkeypatch.setattr("mardm_batch.benchmark.measure.measure", measure_in_stages)
    assert main([]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("s  ", 1)[1] for line in lines] == ["machine", "sampler, float32, 8 poses at once"]


def test_a_failing_run_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> Figures:
        raise MardmBatchError("it broke")

    monkeypatch.setattr("mardm_batch.benchmark.measure.measure", fail)
    assert main([]) == 1
    assert capsys.readouterr().err.strip() == "error: it broke"
