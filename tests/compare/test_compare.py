"""Comparisons of runs with real summaries, in the terminal and on a page that is safe and self-contained."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.support import run_command

from mardm_batch.compare.__main__ import LABEL_WIDTH, broken, main
from mardm_batch.compare.fidelity import add_fidelity, mark_best, share_cell
from mardm_batch.compare.runs import find_runs
from mardm_batch.compare.tables import Row, compare
from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.shards import shard_name
from mardm_batch.registries import register_schemas
from mardm_batch.run.statistics import RunStatistics

CAPTIONS = ("A person arching back", "A person sitting")
HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)>"


def finish_run(
    folder: Path,
    *overrides: str,
    captions: Sequence[str] = CAPTIONS,
    colour: str = "red",
    sweep: str | None = None,
    error: str | None = None,
    output: Path | None = None,
) -> Path:
    """Write the summary of a run with random poses and pictures of one colour."""
    register_schemas()
    output = folder / "poses" if output is None else output
    folder.mkdir(parents=True)
    store = PoseStore(output, (PNG, NPY))
    store.prepare()
    settings = asdict(to_config(compose_config(["paths.output=poses", *overrides])))
    shard = shard_name(settings["shard"], settings["num_shards"])
    progress = Progress(shard, str(folder), sweep)
    prompts = [Prompt(re.sub(r"\W", "_", caption), caption) for caption in captions]
    statistics = RunStatistics(progress, prompts, output, settings, FailureList(output))
    statistics.begin(prompts, prompts)
    random = np.random.default_rng(len(folder.name) + settings["seed"])
    for prompt in prompts:
        joints = random.normal(size=(22, 3)).astype(np.float32)
        np.save(output / f"{prompt.name}.npy", joints)
        Image.new("RGB", (1200, 1200), colour).convert("P").save(output / f"{prompt.name}.png")
        statistics.record_outcomes([Outcome(Pose(prompt, joints, 0, 0), None, {"draw": 0.25, "write": 0.5})])
    if error is not None:
        statistics.record_failure(Failure("A failing caption", "failing", "sample", error))
    statistics.finish(0 if error is None else 1)
    return folder


def rows_of(*folders: Path) -> dict[str, list[str]]:
    """The texts of the cells by the labels of their rows."""
    comparison = compare(find_runs(folders)[0])
    rows = [row for section in comparison.sections for row in section.rows]
    return {row.label: [cell.text for cell in row.cells] for row in rows}


def change_metrics(folder: Path, started: float | None = None, **metrics: float) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    summary["metrics"].update(metrics)
    summary["started"] = summary["started"] if started is None else started
    (folder / "summary.json").write_text(json.dumps(summary), "utf-8")


class Elements(HTMLParser):
    """The elements of a page with their attributes, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def page_of(*folders: Path) -> str:
    page = folders[0] / "page.html"
    assert main([*map(str, folders), "--page", str(page)]) == 0
    return page.read_text("utf-8")


def picture_cells(page: str) -> dict[str, list[str]]:
    """By caption, the content of each run's cell: the source of a picture, or text."""
    samples = page[page.index('<tbody class="samples">') :]
    captions: dict[str, list[str]] = {}
    for line in samples[: samples.index("</tbody>")].split("<tr id="):
        caption = re.search(r'<th scope="row" dir="auto">(.*?)</th>', line)
        if caption is not None:
            cells = re.findall(r'<td>(?:<figure .*?><a .*?><img src="(.*?)"|<div class="missing">(.*?)</div>)', line)
            captions[unescape(caption[1])] = [source or words for source, words in cells]
    return captions


@pytest.mark.e2e
def test_a_sweep_of_the_command_is_one_run(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ("--multirun", "shard=0,1", "num_shards=2", "paths.output=swept")
    settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled", "+preset=fast", "limit=2")
    swept = run_command(*sweep, *settings, cwd=tmp_path)
    assert swept.returncode == 0, swept.stderr
    page = tmp_path / "comparison.html"
    assert main([str(tmp_path / "multirun"), "--page", str(page)]) == 0
    assert "runs: 1, captions with pictures: 2" in capsys.readouterr().out
    rows = rows_of(tmp_path / "multirun")
    assert (rows["state"], rows["shards"], rows["poses done"]) == (["finished"], ["2 of 2"], ["2"])
    assert {"sample: ms/pose, total", "draw: ms/pose, total", "bone length error (cm)"} <= set(rows)
    cells = picture_cells(page.read_text("utf-8"))
    assert len(cells) == 2
    assert all(source.startswith("data:image/") for sources in cells.values() for source in sources)


def test_labels_of_speed_fill_one_line_and_say_what_both_figures_are(tmp_path: Path) -> None:
    (speed,) = [
        each for each in compare(find_runs([finish_run(tmp_path / "run")])[0]).sections if each.title == "Speed"
    ]
    rows = {row.label: row.cells[0] for row in speed.rows}
    assert {"poses/s, once started", "draw: ms/pose, total", "write: ms/pose, total"} <= rows.keys()
    assert all("\n" not in broken(label, LABEL_WIDTH) for label in rows)
    assert (rows["draw: ms/pose, total"].text, rows["draw: ms/pose, total"].detail) == ("250.0", "0.50 s")


def test_long_labels_are_broken_between_their_parts() -> None:
    assert broken("sampling.sequence_length", 22) == "sampling.sequence_\nlength"
    assert broken("bone length error (cm)", 22) == "bone length error (cm)"
    assert broken("drawing (ms per pose and more)", 16) == "drawing (ms per\npose and more)"


def test_only_settings_that_differ_are_shown(tmp_path: Path) -> None:
    first = finish_run(tmp_path / "10-00-00-000001", "seed=1", "sampling.time_steps=10")
    second = finish_run(tmp_path / "10-00-00-000002", "seed=2", "sampling.time_steps=10", "shard=0")
    comparison = compare(find_runs([first, second])[0])
    assert [row.label for row in comparison.sections[0].rows] == ["seed"]
    assert comparison.folders == (first.name, second.name)
    assert comparison.names == ("seed=1", "seed=2")


def test_settings_that_say_nothing_of_the_poses_are_left_out(tmp_path: Path) -> None:
    finish_run(tmp_path / "a", "seed=1", "render.legend=false", "sampling.cfg=1")
    others = ["existing=keep", "retry=failed", "tracking.mode=disabled", "tracking.samples=3", "shard=1"]
    finish_run(tmp_path / "b", "seed=2", *others)
    comparison = compare(find_runs([tmp_path])[0])
    assert {row.label for row in comparison.sections[0].rows} == {"seed", "sampling.cfg", "render.legend"}
    assert comparison.names == ("seed=1", "seed=2")


def test_a_run_of_one_pose_has_no_diversity(tmp_path: Path) -> None:
    one = finish_run(tmp_path / "one", captions=CAPTIONS[:1])
    assert "diversity_cm" not in json.loads((one / "summary.json").read_text("utf-8"))["metrics"]
    change_metrics(one, diversity_cm=0.0)  # as earlier versions wrote
    two = finish_run(tmp_path / "two")
    first, second = rows_of(one, two)["diversity (cm)"]
    assert (first, float(second) > 0) == ("–", True)
    assert "diversity (cm)" not in rows_of(one)


def test_names_are_as_short_as_possible(tmp_path: Path) -> None:
    finish_run(tmp_path / "outputs" / "2026-05-01" / "10-00-00-000001")
    finish_run(tmp_path / "outputs" / "2026-05-02" / "10-00-00-000001")
    assert compare(find_runs([tmp_path])[0]).folders == ("2026-05-01/10-00-00", "2026-05-02/10-00-00")
    for job, cfg in enumerate((1, 2)):
        finish_run(tmp_path / "multirun" / "11-00-00-000001" / str(job), f"sampling.cfg={cfg}", sweep="11")
    comparison = compare(find_runs([tmp_path / "multirun"])[0])
    assert comparison.folders == ("11-00-00/0", "11-00-00/1")
    assert comparison.names == ("cfg=1.0", "cfg=2.0")


def test_shards_of_a_sweep_are_one_run(tmp_path: Path) -> None:
    sweep = tmp_path / "multirun" / "10-00-00-000001"
    for job, (shard, seed) in enumerate((shard, seed) for shard in (0, 1, 2) for seed in (5, 6)):
        captions = [f"A person in pose {shard} {number}" for number in range(1 + shard)]
        error = "<b>bad</b>" if (shard, seed) == (2, 5) else None
        settings = (f"shard={shard}", f"seed={seed}")
        folder = finish_run(sweep / str(job), *settings, captions=captions, sweep=sweep.name, error=error)
        change_metrics(folder, 1e9, seconds=10.0 + shard, poses_per_second=1.5, bone_length_error_cm=float(shard))
    shutil.rmtree(sweep / "1")  # shard 0 of seed 6 was killed
    (sweep / "1" / ".hydra").mkdir(parents=True)
    (first, second), (skipped,) = find_runs([tmp_path])
    assert skipped.startswith(f"{sweep / '1'}: no summary.json and no settings of a run")
    assert (first.incomplete, second.incomplete) == (True, True)
    assert (first.shards, second.shards) == ((0, 1, 2), (1, 2))
    assert (first.state, first.exit_code, second.state, second.exit_code) == ("incomplete", 1, "finished", 0)
    assert (first.metrics["poses_done"], first.metrics["failures"]) == (6, 1)
    assert first.metrics["seconds"] == 12.0  # side by side: the longest
    assert first.metrics["seconds/draw"] == pytest.approx(6 * 0.25)
    assert first.metrics["bone_length_error_cm"] == pytest.approx((1 * 0 + 2 * 1 + 3 * 2) / 6)
    assert [sample.caption for sample in first.samples][:2] == ["A person in pose 0 0", "A person in pose 1 0"]
    assert first.errors == {"sample: <b>bad</b>": 1}
    rows = rows_of(sweep / "0", tmp_path, sweep / "0")  # each folder counts once
    assert rows["seed"] == ["5", "6"]
    assert rows["shards"] == ["3 of 3", "2 of 3"]


def test_the_cores_and_gpus_that_a_sweep_shares_out_are_no_settings_that_differ(tmp_path: Path) -> None:
    def sweep(name: str, threads: Sequence[int], **hydra: Any) -> Path:
        for shard, number in enumerate(threads):
            words = (f"shard={shard}", "num_shards=2", f"cpu_threads={number}", f"gpu_ids=[{number}]")
            finish_run(tmp_path / name / str(shard), *words, sweep=name)
        saved = {"cpu_threads": None, "hydra": {"overrides": {"task": ["shard=0,1"]}, "sweeper": {"params": None}}}
        saved["hydra"] |= hydra
        (tmp_path / name / "multirun.yaml").write_text(yaml.safe_dump(saved))
        return tmp_path / name

    alone = finish_run(tmp_path / "alone")
    shared = sweep("shared", (2, 4))
    assert [row.label for row in compare(find_runs([alone, shared])[0]).sections[0].rows] == ["num_shards"]
    for by_command in {"overrides": {"task": ["+cpu_threads=2,4"]}}, {"sweeper": {"params": {"cpu_threads": "2,4"}}}:
        chosen = sweep(f"chosen-{len(by_command)}-{next(iter(by_command))}", (2, 4), **by_command)
        assert [run.settings["cpu_threads"] for run in find_runs([chosen])[0]] == [2, 4]


def test_shards_that_ran_one_after_the_other_count_the_time_of_all(tmp_path: Path) -> None:
    sweep = tmp_path / "multirun" / "10-00-00-000001"
    for shard in range(3):
        folder = finish_run(sweep / str(shard), f"shard={shard}", sweep=sweep.name)
        change_metrics(folder, 1e9 + 20 * shard, poses_done=20, poses_per_second=2.0, seconds=15.0)
    ((run,), _) = find_runs([tmp_path])
    assert run.metrics["seconds"] == 55.0
    assert run.metrics["poses_per_second"] == 2.0  # each shard needs 5 s to start, which does not count
    (sweep / "1" / "summary.json").unlink()
    (sweep / "2" / "summary.json").unlink()
    ((run,), _) = find_runs([tmp_path])
    assert run.metrics["poses_per_second"] == 2.0


def test_the_same_sweep_run_twice_is_two_runs(tmp_path: Path) -> None:
    for time in ("10-00-00", "11-00-00"):
        for shard in (0, 1):
            finish_run(tmp_path / time / str(shard), f"shard={shard}", "num_shards=2", sweep=time)
    comparison = compare(find_runs([tmp_path])[0])
    assert comparison.folders == comparison.names == ("10-00-00", "11-00-00")
    assert comparison.sections[0].title == "Outcome"  # no setting differs


def test_the_best_is_marked_only_for_metrics_with_a_direction(tmp_path: Path) -> None:
    better = {"poses_per_second": 20.0, "bone_length_error_cm": 0.5, "diversity_cm": 3.0, "my_measure": 1.0}
    worse = {"poses_per_second": 10.0, "bone_length_error_cm": 0.7, "diversity_cm": 2.0, "my_measure": 2.0}
    folders = [finish_run(tmp_path / name) for name in "abcd"]
    for folder, metrics in zip(folders, (worse, better, better, worse), strict=True):
        change_metrics(folder, **metrics)
    change_metrics(folders[3], poses_done=0, poses_per_second=0.0, bone_length_error_cm=0.0)  # nothing was left to do
    sections = compare(find_runs(folders)[0]).sections
    best = {row.label: [cell.best for cell in row.cells] for section in sections for row in section.rows}
    assert best["poses/s, once started"] == best["bone length error (cm)"] == [False, True, True, False]
    assert "my measure" in best
    assert not any(any(marks) for label, marks in best.items() if label[:4] not in ("pose", "bone"))


def test_names_say_what_differs_and_tell_runs_apart(tmp_path: Path) -> None:
    for number, (seed, cfg, steps) in enumerate(((1, 1.0, 10), (1, 2.0, 10), (2, 1.0, 10), (2, 2.0, 18))):
        finish_run(tmp_path / str(number), f"seed={seed}", f"sampling.cfg={cfg}", f"sampling.time_steps={steps}")
    finish_run(tmp_path / "again", "seed=1", "sampling.cfg=1.0", "sampling.time_steps=10")
    names = compare(find_runs([tmp_path])[0]).names
    assert len(set(names)) == 5
    assert sum("seed=1" in name and "cfg=2.0" in name for name in names) == 1
    assert [name.split()[-1] for name in names if "again" in name] == ["again"]


def test_a_preset_names_a_run_before_its_settings(tmp_path: Path) -> None:
    for name, words, cfg in (("a", ["+preset=fast", "limit=6"], 1.5), ("b", ["limit=6"], 2.0), ("c", [], 3.0)):
        folder = finish_run(tmp_path / name, f"sampling.cfg={cfg}")
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(words))
    comparison = compare(find_runs([tmp_path])[0])
    assert comparison.names == ("preset=fast  cfg=1.5", "cfg=2.0", "cfg=3.0")
    assert comparison.sections[0].rows[0].label == "preset"


def test_shares_are_shown_in_per_cent(tmp_path: Path) -> None:
    folders = [finish_run(tmp_path / name) for name in "ab"]
    for folder, share in zip(folders, (0.0, 0.0666), strict=True):
        change_metrics(folder, adjusted=share, agreement_below_half=share)
    rows = rows_of(*folders)
    assert rows["adjusted"] == rows["agreement below half"] == ["0.0 %", "6.7 %"]


def test_an_incomplete_run_is_marked_and_never_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, failed = (
        finish_run(tmp_path / "whole", "seed=1"),
        finish_run(tmp_path / "failed", "seed=2", error="it broke"),
    )
    other = finish_run(tmp_path / "other", "seed=3")
    killed = finish_run(tmp_path / "sweep" / "0", "seed=4", "shard=0", "num_shards=2", sweep="sweep")
    for folder, rate in ((whole, 1.0), (failed, 9.0), (other, 2.0), (killed, 8.0)):
        change_metrics(folder, poses_per_second=rate, bone_length_error_cm=1 / rate)
    comparison = compare(find_runs([whole, failed, other, killed])[0])
    rows = {row.label: row.cells for section in comparison.sections for row in section.rows}
    for label in ("poses/s, once started", "bone length error (cm)"):
        assert [cell.best for cell in rows[label]] == [False, False, True, False]
    assert [cell.warning for cell in rows["state"]] == [False, True, False, True]
    assert [cell.text for cell in rows["state"]] == ["finished", "incomplete", "finished", "incomplete"]
    assert [cell.detail for cell in rows["state"]] == ["", "exit code 1", "", "1 of 2 shards ended"]
    page = page_of(whole, failed, other, killed)
    assert page.count('<b class="warning">incomplete</b></th>') == 2
    assert "incomplete" in capsys.readouterr().out


def write_history(folder: Path, lines: Sequence[str]) -> None:
    (folder / "metrics.jsonl").write_text("\n".join(lines), encoding="utf-8")


def test_curves_are_drawn_from_the_metrics_of_every_shard(tmp_path: Path) -> None:
    for shard in (0, 1):
        folder = finish_run(tmp_path / "sweep" / str(shard), f"shard={shard}", "num_shards=2", sweep="sweep")
        rows = [{"seconds": 2.0 * row, "poses_done": 10 * row * (1 + shard)} for row in range(1000)]
        write_history(folder, [*map(json.dumps, rows), '{"seconds": 3'])
    single = finish_run(tmp_path / "single", "seed=9")
    write_history(single, ['{"seconds": 1, "poses_done": 1}', "[1]", '{"seconds": 1e999, "poses_done": NaN}', "x" * 99])
    page = page_of(tmp_path / "sweep" / "0", tmp_path / "sweep" / "1", single)
    lines = re.findall(r'<polyline points="(.*?)"/>', page)
    assert len(lines) == 2
    first, second = ([tuple(map(float, point.split(","))) for point in line.split()] for line in lines)
    assert first[-1] == (200.0, 30.0)
    assert second[-1] == (200.0, 0.0)
    assert len(first) <= 152
    assert "0 to 19,980" in page


def test_a_picture_is_enlarged_by_a_link_to_itself(tmp_path: Path) -> None:
    elements = Elements()
    elements.feed(page_of(finish_run(tmp_path / "a"), finish_run(tmp_path / "b")))
    ids = [value for _, attributes in elements.found for name, value in attributes if name == "id"]
    links = [value[1:] for _, attributes in elements.found for name, value in attributes if name == "href" and value]
    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)
    assert sum(link.startswith("picture-") for link in links) == 4


NESTED = "[" * 900 + "]" * 900
DAMAGE = {
    "deep": lambda summary: {**summary, "settings": {**summary["settings"], "seed": json.loads(NESTED)}},
    "deep settings": lambda summary: {
        **summary,
        "settings": {**summary["settings"], **json.loads('{"a":' * 90 + "1" + "}" * 90)},
    },
    "too deep": lambda summary: None,
    "huge setting": lambda summary: {**summary, "settings": {**summary["settings"], "seed": 10**4000}},
    "types": lambda summary: {**summary, "metrics": [1], "samples": {}},
    "shard": lambda summary: {**summary, "settings": {**summary["settings"], "shard": [1]}},
    "null": lambda summary: None,
    "key": lambda summary: {**summary, "settings": {}},
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_summary_is_one_line_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    good, bad = finish_run(tmp_path / "good"), finish_run(tmp_path / "bad")
    summary = DAMAGE[kind](json.loads((bad / "summary.json").read_text("utf-8")))
    (bad / "summary.json").write_text("[" * 200_000 if kind == "too deep" else json.dumps(summary), "utf-8")
    assert main([str(good), str(bad), "--page", str(tmp_path / "page.html")]) == 0
    out = capsys.readouterr().out
    assert out.count("skipped: ") == 1
    assert "Error" not in out
    assert kind != "too deep" or "not the summary of a run (nested too deeply); leave this folder out" in out
    assert "runs: 1," in out
    with pytest.raises(SystemExit, match="2"):
        main([str(bad), "--page", str(tmp_path / "page.html")])
    assert len(capsys.readouterr().err.splitlines()) == 1


def kill_run(folder: Path, **metrics: float) -> Path:
    """What a run leaves that was killed: the settings as Hydra saved them, and its metrics so far."""
    settings = json.loads((folder / "summary.json").read_text("utf-8"))["settings"]
    settings["sampling"]["cfg"] = "${model.cfg}"
    (folder / "summary.json").unlink()
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / ".hydra" / "hydra.yaml").write_text(f"hydra: {{runtime: {{cwd: {folder.parent}}}}}")
    lines = [json.dumps({"seconds": second, **metrics}) for second in (1, 2)]
    (folder / "metrics.jsonl").write_text("\n".join([*lines, '{"poses_d']))
    return folder


def test_a_killed_run_has_its_settings_and_metrics_and_is_incomplete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = finish_run(tmp_path / "10-00-00-000001", "seed=1")
    killed = kill_run(finish_run(tmp_path / "10-00-00-000002", "seed=2"), poses_done=7, poses_per_second=1e9)
    (first, second), skipped = find_runs([finished, killed])
    assert skipped == []
    assert (first.incomplete, second.incomplete) == (False, True)
    assert second.settings["sampling.cfg"] == first.settings["sampling.cfg"]
    assert compare([first, second]).names == ("seed=1", "seed=2")
    rows = rows_of(finished, killed)
    assert rows["state"] == ["finished", "active or killed"]
    assert rows["poses done"] == ["2", "7"]
    page_of(finished, killed)
    assert "incomplete" in capsys.readouterr().out
    assert main([str(killed), "--page", str(tmp_path / "page.html")]) == 0


def test_a_refused_run_is_no_run_to_compare(tmp_path: Path) -> None:
    finished = finish_run(tmp_path / "10-00-00-000001", "seed=1")
    refused = kill_run(finish_run(tmp_path / "10-00-00-000002", "seed=2"))
    (refused / "metrics.jsonl").unlink()
    error = {"time": "12", "level": "ERROR", "logger": "a", "message": "no GPU 7", "exception": None}
    (refused / "errors.jsonl").write_text(json.dumps(error) + "\n")
    (run,), skipped = find_runs([tmp_path])
    assert run.folders == (finished,)
    assert skipped == [f"{refused}: the run ended before its first pose (no GPU 7)"]
    with pytest.raises(InputError, match="the run ended before its first pose"):
        find_runs([refused])


def test_a_killed_shard_makes_its_sweep_incomplete(tmp_path: Path) -> None:
    sweep = tmp_path / "multirun" / "10-00-00-000001"
    for shard in range(3):
        finish_run(sweep / str(shard), f"shard={shard}", sweep=sweep.name)
    kill_run(sweep / "1", poses_done=7)
    (sweep / "multirun.yaml").write_text("")
    ((run,), skipped) = find_runs([tmp_path])
    assert skipped == []
    assert (run.shards, run.exit_code, run.incomplete) == ((0, 1, 2), None, True)
    assert run.metrics["poses_done"] == 2 + 7 + 2


@pytest.mark.parametrize(
    "number",
    [10**400, 1e308, -1e308, 10**4000, float("inf"), float("nan"), True, "x", [1]],
    ids=lambda number: f"{number!s:.9}",
)
def test_absurd_numbers_are_left_out(tmp_path: Path, number: object) -> None:
    for name in "ab":
        change_metrics(finish_run(tmp_path / name), my_measure=number, poses_done=number)  # type: ignore[arg-type]
    assert "nan" not in page_of(tmp_path / "a", tmp_path / "b").lower().replace("nance", "")


def test_numbers_of_any_size_in_a_summary_end_in_a_page(tmp_path: Path) -> None:
    for name, large in (("a", 1e30), ("b", -1e30)):
        folder = finish_run(tmp_path / name, "shard=0", "num_shards=1000000000")
        change_metrics(folder, my_measure=large, seconds=large)
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        summary["errors"] = {"many": 10**300}
        (folder / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert "1e+30" in page_of(tmp_path / "a", tmp_path / "b")
    sections = compare(find_runs([tmp_path])[0]).sections
    (cells,) = [row.cells for section in sections for row in section.rows if row.label == "shards"]
    assert [cell.detail for cell in cells] == ["missing: 1, 2, 3, 4, 5 and 999999994 more"] * 2


def broken_npy(shape: str, kind: str = "<f4") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        broken_npy("(1000000000000, 3)"),
        broken_npy("(22, 3)"),
        broken_npy("(22, 3)", "|O") + b"cos\nsystem\n.",
        broken_npy("(-1, 3)"),
        broken_npy("(" + "(" * 500 + ")" * 500 + ",)"),
        broken_npy("(22, 3)", "<U4") + bytes(22 * 3 * 16),
    ],
)
def test_broken_joints_do_not_end_the_comparison(tmp_path: Path, content: bytes) -> None:
    folder = finish_run(tmp_path / "a")
    for path in (folder / "poses").glob("*.npy"):
        path.write_bytes(content)
    assert all(source.startswith("data:") for (source,) in picture_cells(page_of(folder)).values())


def test_a_zip_in_place_of_joints_does_not_end_the_comparison(tmp_path: Path) -> None:
    folder = finish_run(tmp_path / "a")
    for path in (folder / "poses").glob("*.npy"):
        with path.open("wb") as file:
            np.savez(file, joints=np.zeros((22, 3)))
    page_of(folder)


def test_a_fifo_in_place_of_any_file_does_not_hang(tmp_path: Path) -> None:
    folder = finish_run(tmp_path / "a")
    for path in [folder / "metrics.jsonl", *(folder / "poses").glob("*.npy"), *(folder / "poses").glob("*.png")]:
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    assert {problem for (problem,) in picture_cells(page_of(folder)).values()} == {"the picture cannot be read"}


def test_pictures_of_the_same_captions_are_side_by_side(tmp_path: Path) -> None:
    first = finish_run(tmp_path / "a", captions=["A person only here", *CAPTIONS])
    second = finish_run(tmp_path / "b", captions=CAPTIONS[::-1], colour="blue")
    cells = picture_cells(page_of(first, second))
    assert list(cells) == [*CAPTIONS, "A person only here"]
    for caption in CAPTIONS:
        assert len(set(cells[caption])) == 2
        assert all(source.startswith("data:image/webp;base64,") for source in cells[caption])
    assert cells[CAPTIONS[0]] == cells[CAPTIONS[1]]  # one column is red, the other blue
    assert cells["A person only here"][1] == "not among the samples of this run"


def test_missing_broken_and_replaced_pictures_are_reported(tmp_path: Path) -> None:
    first = finish_run(tmp_path / "a", captions=["gone", "broken", "replaced"])
    (first / "poses" / "gone.png").unlink()
    (first / "poses" / "broken.png").write_bytes((first / "poses" / "replaced.png").read_bytes()[:60])
    finish_run(tmp_path / "bb", captions=["replaced"], output=first / "poses")
    page = page_of(first)
    words = {"gone": "no picture", "broken": "the picture cannot be read", "replaced": "a later run replaced this pose"}
    assert picture_cells(page) == {caption: [reason] for caption, reason in words.items()}
    shutil.rmtree(first / "poses")
    assert picture_cells(page_of(first)) == {caption: ["no picture"] for caption in words}


def test_pictures_are_found_where_runs_were_copied_to_another_machine(tmp_path: Path) -> None:
    there = tmp_path / "there"
    finish_run(there / "outputs" / "day" / "time", output=there / "poses")
    there.rename(tmp_path / "here")
    cells = picture_cells(page_of(tmp_path / "here" / "outputs"))
    assert all(source.startswith("data:") for sources in cells.values() for source in sources)


def test_all_text_is_escaped_and_the_page_loads_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "<script>alert(3)<>"
    first = finish_run(
        folder, "paths.prompts='<script>alert(1)</script>\"'", captions=[HOSTILE], error=HOSTILE + "\x1b[31m"
    )
    second = finish_run(tmp_path / "b", captions=[HOSTILE])
    page = page_of(first, second)
    elements = Elements()
    elements.feed(page)
    assert not {"script", "link", "iframe", "object"} & {name for name, _ in elements.found}
    assert [name for name, _ in elements.found].count("img") == 2
    attributes = [attribute for _, attributes in elements.found for attribute in attributes]
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert all(value.startswith("data:") for name, value in attributes if name in ("src", "srcset"))
    assert all(value.startswith("#") for name, value in attributes if name == "href")
    assert "http" not in page.replace("http-equiv", "")
    assert "url(" not in page
    assert "@import" not in page
    assert list(picture_cells(page)) == [HOSTILE]
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3  # setting, error, caption
    assert "\x1b" not in page + capsys.readouterr().out


def test_a_wide_comparison_is_printed_in_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for seed in range(5):
        finish_run(tmp_path / f"run-{seed}", f"seed={seed}")
    assert main([str(tmp_path), "--page", str(tmp_path / "page.html")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(str(tmp_path)[:20])]
    assert max(map(len, lines)) <= 80
    assert [line.split()[1::2] for line in lines if "run-" in line] == [["run-0", "run-1", "run-2"], ["run-3", "run-4"]]
    assert [line.split()[1::2] for line in lines if "seed=" in line] == [
        ["seed=0", "seed=1", "seed=2"],
        ["seed=3", "seed=4"],
    ]


def test_a_folder_of_poses_is_answered_with_the_run_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finish_run(tmp_path / "run", output=tmp_path / "poses")
    with pytest.raises(InputError, match=r"^poses: no run in this folder or below; its poses are of run: name that$"):
        find_runs([Path("poses")])
    finish_run(tmp_path / "sweep" / "0", "shard=0", output=tmp_path / "swept", sweep="sweep")
    with pytest.raises(InputError, match="its poses are of sweep: name that"):
        find_runs([Path("swept")])
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(InputError, match="name the folder of a run, such as outputs/DATE/TIME"):
        find_runs([Path("poses")])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no run in this folder or below"),
        ("{", "not the summary of a run"),
        ('{"settings": 3}', "not the summary of a run"),
    ],
)
def test_folders_without_a_run_end_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--page", str(tmp_path / "page.html")])
    message = capsys.readouterr().err
    assert words in message
    assert str(tmp_path) in message
    assert message.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finish_run(tmp_path / "a")
    os.mkfifo(tmp_path / "fifo.html")
    for name, words in (
        ("missing/page.html", r"cannot be written to: name a file in an existing folder"),
        ("fifo.html", r"is a FIFO, not a file"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main([str(folder), "--page", str(tmp_path / name)])
        assert re.fullmatch(rf"error: argument --page: {tmp_path}/{name}:? {words}; .*\n", capsys.readouterr().err)
    assert (tmp_path / "fifo.html").is_fifo()
    with pytest.raises(InputError, match="no such folder"):
        find_runs([tmp_path / "nothing"])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is not a folder; name the folder of a run"):
        find_runs([tmp_path / "file"])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
@pytest.mark.parametrize(("scheme", "background"), [(0, (15, 18, 24)), (1, (246, 247, 249))])
def test_a_browser_shows_the_page(tmp_path: Path, scheme: int, background: tuple[int, int, int]) -> None:
    first = finish_run(tmp_path / "a", captions=[HOSTILE], colour="red")
    second = finish_run(tmp_path / "b", captions=[HOSTILE], colour="blue")
    page_of(first, second)
    screenshot = tmp_path / "screenshot.png"
    browser = subprocess.run(
        [
            "chromium",
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
            *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
            *("--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1300,1600"),
            *(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={screenshot}"),
            (first / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert browser.returncode == 0, browser.stderr
    assert "CONSOLE" not in browser.stderr, browser.stderr
    with Image.open(screenshot) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert tuple(pixels[0, 0]) == background
    red = np.abs(pixels - [255, 0, 0]).max(axis=-1) < 12
    blue = np.abs(pixels - [0, 0, 255]).max(axis=-1) < 12
    for picture in (red, blue):
        rows, columns = np.nonzero(picture)
        assert picture.sum() > 0.9 * 250**2
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=8)
    assert np.nonzero(red)[1].max() < np.nonzero(blue)[1].min()
    assert abs(int(np.nonzero(red)[0].min()) - int(np.nonzero(blue)[0].min())) < 3


def test_captions_met_entirely_are_counted_by_group_and_demands(tmp_path: Path) -> None:
    folder = finish_run(tmp_path / "run", "paths.prompts=captions.md", captions=["A person sitting", "A person waving"])
    (tmp_path / "captions.md").write_text("- A person sitting\n- A person waving\n", "utf-8")
    entries = {
        "A person sitting": {"conditions": ["pelvis height ..9"], "group": "seats", "demands": 1},
        "A person waving": {"conditions": ["pelvis height ..9", "pelvis height 9.."], "group": "arms", "demands": 2},
    }
    (tmp_path / "captions.conditions.yaml").write_text(json.dumps(entries), "utf-8")
    (folder / ".hydra").mkdir()
    saved = {"config": {"paths": {"prompts": "captions.md"}, "limit": None, "render": {"enabled": True}}}
    saved["hydra"] = {"hydra": {"runtime": {"cwd": str(tmp_path)}}}
    for name, content in saved.items():
        (folder / ".hydra" / f"{name}.yaml").write_text(json.dumps(content), "utf-8")
    joints = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
    store = PoseStore(folder / "poses", (PNG, NPY))
    (tmp_path / "staging").mkdir()
    provenance = Provenance("tiny", 1, 0, {})
    for prompt in (Prompt("sitting", "A person sitting"), Prompt("waving", "A person waving")):
        store.write(Pose(prompt, joints, 0, 0), b"", provenance, tmp_path / "staging")
    (section,) = [each for each in add_fidelity(compare(find_runs([folder])[0])).sections if "entirely" in each.title]
    assert {row.label: (row.cells[0].text, row.cells[0].detail) for row in section.rows} == {
        "all": ("50.0 %", "of 2"),
        "1 demand": ("100.0 %", "of 1"),
        "2 demands": ("0.0 %", "of 1"),
        "arms": ("0.0 %", "of 1"),
        "seats": ("100.0 %", "of 1"),
    }
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    for made, code, is_shown in ((0, 0, False), (0, 130, False), (1, 130, False), (2, 130, True)):
        (folder / "summary.json").write_text(json.dumps({**summary, "exit_code": code}), "utf-8")
        change_metrics(folder, poses_done=made)
        sections = add_fidelity(compare(find_runs([folder])[0])).sections
        assert any("entirely" in each.title for each in sections) == is_shown  # else they are of another run


def test_runs_that_are_alike_have_no_best(tmp_path: Path) -> None:
    runs, _ = find_runs([finish_run(tmp_path / name) for name in "abc"])
    alike, better = (
        Row("all", tuple(map(share_cell, met))) for met in (([True], [True], None), ([True], [False], None))
    )
    marks = [[cell.best for cell in row.cells] for row in mark_best((alike, better), runs)]
    assert marks == [[False, False, False], [True, False, False]]


def test_what_nearly_all_runs_reach_is_not_marked(tmp_path: Path) -> None:
    folders = [finish_run(tmp_path / name) for name in "abcd"]
    for folder, agreement, rate in zip(folders, (0.9, 0.9, 0.9, 0.8), (9.0, 9.0, 3.0, 3.0), strict=True):
        change_metrics(folder, agreement=agreement, poses_per_second=rate)
    runs, _ = find_runs(folders)
    best = {row.label: [cell.best for cell in row.cells] for each in compare(runs).sections for row in each.rows}
    assert best["agreement"] == [False] * 4
    assert best["poses/s, once started"] == [True, True, False, False]
    (row,) = mark_best((Row("all", tuple(map(share_cell, ([True], [True], [True], [False])))),), runs)
    assert not any(cell.best for cell in row.cells)
