"""Training: recorded motion, clips, stages, resuming, and the weights that it writes."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import call_in_process, wait_until

from mardm_batch.config.compose import compose_config
from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import ConfigurationError, InputError, MardmBatchError
from mardm_batch.library.clips import CLIP_FRAMES, composed_clips
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import load_embedded
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.pose.geometry import mirror_image
from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, PARENTS
from mardm_batch.tracking.tracker import NullTracker
from mardm_batch.train import mocap
from mardm_batch.train.__main__ import main
from mardm_batch.train.autoencoder_loop import (
    bone_error,
    encode_windows,
    init_as_principal_components,
    reconstruction,
    scale_latents,
)
from mardm_batch.train.clips import recorded_clips
from mardm_batch.train.data import Motions, read_held_out_motions, read_motions
from mardm_batch.train.network_loop import TokenizedCaptions
from mardm_batch.train.recipe import CompositionReport, train
from mardm_batch.train.record import check_folders, how_to_continue
from mardm_batch.train.settings import TrainConfig, register_train_schema, to_train_config
from mardm_batch.train.stage import run_stage

TINY = [
    "data.composed_clips=12", "data.processes=1", "threads=1", "tracking.mode=disabled",
    "sizes.autoencoder_width=8", "sizes.latent=4", "sizes.width=16", "sizes.layers=1", "sizes.heads=2",
    "sizes.mlp_width=16", "sizes.head_width=16", "sizes.head_blocks=1", "sizes.vocabulary=50",
    "sizes.words_width=8", "sizes.words_layers=1", "sizes.words_heads=2",
    "autoencoder.steps=3", "autoencoder.batch_size=4", "network.steps=3", "network.batch_size=4",
]  # fmt: skip


def make_config(tmp_path: Path, *overrides: str) -> TrainConfig:
    register_train_schema()
    places = [f"folder={tmp_path}/run", f"output={tmp_path}/weights.safetensors"]
    return to_train_config(compose_config([*TINY, *places, *overrides], name="train"))


def make_standing(frames: int = 40) -> np.ndarray:
    """A person who stands with hanging arms and moves forward by 10 cm, (frames, 22, 3)."""
    down = ("knee", "ankle", "elbow", "wrist")
    joints = np.zeros((frames, 22, 3))
    joints[:, 0] = np.stack([np.zeros(frames), np.full(frames, 0.86), np.linspace(0, 0.1, frames)], axis=-1)
    for name, joint in list(JOINT_INDEX.items())[1:]:
        side = 1.0 if name.startswith("left") else -1.0
        direction = [0.0, 1.0, 0.0]
        if name.endswith(down):
            direction = [0.0, -1.0, 0.0]
        elif name.endswith("foot"):
            direction = [0.0, 0.0, 1.0]
        elif name.endswith(("hip", "collar", "shoulder")):
            direction = [side, 0.0, 0.0]
        joints[:, joint] = joints[:, PARENTS[joint]] + BONE_LENGTHS[joint] * np.array(direction)
    return joints


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A file of two recorded clips: a person standing, and one raising the left arm."""
    standing = make_standing()
    raised = make_standing(20)
    for name in ("left_elbow", "left_wrist"):
        raised[:, JOINT_INDEX[name], 1] = (
            2 * raised[:, JOINT_INDEX["left_shoulder"], 1] - raised[:, JOINT_INDEX[name], 1]
        )
    path = tmp_path / "clips.npz"
    np.savez(
        path,
        joints=np.concatenate([standing, raised]).astype(np.float16),
        clip_lengths=np.array([40, 20]),
        clip_ids=np.array(["01_01", "01_02"]),
        clip_descriptions=np.array(["stand", "reach with the left arm"]),
    )
    return path


@pytest.mark.e2e
def test_the_command_writes_weights_that_load(tmp_path, recorded):
    overrides = [
        *TINY,
        f"folder={tmp_path}/run",
        f"output={tmp_path}/new/weights.safetensors",
        f"data.mocap={recorded}",
    ]
    result = subprocess.run(
        [sys.executable, "-m", "mardm_batch.train", *overrides], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "weights:" in result.stdout
    reports = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {"autoencoder/loss", "autoencoder/bones_cm_16_frames", "network/loss"} <= set().union(*reports)
    model = load_embedded(tmp_path / "new/weights.safetensors")
    assert model is not None


@pytest.mark.e2e
def test_a_signal_while_clips_are_composed_ends_the_command_with_one_line(tmp_path):
    command = [sys.executable, "-m", "mardm_batch.train", f"folder={tmp_path}/run", "data.composed_clips=30000"]
    log = tmp_path / "log.txt"
    with log.open("w") as file:
        training = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=file)
    wait_until(lambda: "composes 30,000 clips" in log.read_text())
    time.sleep(1)  # its processes begin
    training.send_signal(signal.SIGTERM)
    assert training.wait(60) == 143, log.read_text()
    lines = log.read_text().splitlines()
    words = "interrupted: nothing was saved yet, so the same command begins again"
    assert lines[-1] == words
    assert (tmp_path / "run" / "train.log").read_text().endswith(f"{words}\n")
    assert all("[mardm_batch." in line for line in lines[:-1])  # no traceback, no warning of semaphores


@pytest.mark.e2e
def test_a_deleted_working_folder_is_named(tmp_path):
    script = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir ../gone && {sys.executable} -m mardm_batch.train"
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "error: the working folder was deleted or moved: change to another one (cd)\n"


class RecordingTracker(NullTracker):
    """Records the metrics and the summary that a tracker receives."""

    def __init__(self) -> None:
        self.logged: list[dict[str, float]] = []
        self.summaries: list[RunSummary] = []

    def log(self, metrics) -> None:
        self.logged.append(dict(metrics))

    def finish(self, summary) -> None:
        self.summaries.append(summary)


def test_tracked_metrics_are_those_of_metrics_jsonl(tmp_path, recorded, monkeypatch):
    tracker = RecordingTracker()
    monkeypatch.setattr("mardm_batch.tracking.wandb_tracker.WandbSettings.open", lambda *_: tracker)
    monkeypatch.setattr("mardm_batch.train.data.is_held_out", lambda kind, name: name == "01_02")
    train(make_config(tmp_path, f"data.mocap={recorded}"))
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert tracker.logged == lines
    (summary,) = tracker.summaries
    assert summary.exit_code == 0
    trained, held_out = (f"autoencoder/joints_cm_16_frames{suffix}" for suffix in ("", "_held_out"))
    assert {trained, held_out, "network/loss"} <= summary.metrics.keys()
    assert summary.metrics[held_out] != summary.metrics[trained]


def test_a_resumed_training_is_the_same_wandb_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(make_config(tmp_path, "tracking.mode=offline"))
    train(make_config(tmp_path, "tracking.mode=offline", "resume=true", "network.steps=4"))
    first, second = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert first.name == second.name
    train(make_config(tmp_path, "tracking.mode=offline", f"folder={tmp_path}/b", f"output={tmp_path}/b.safetensors"))
    assert len({path.name for path in tmp_path.glob("wandb/offline-run-*/*.wandb")}) == 2


def test_a_failed_training_is_tracked_as_failed(tmp_path, monkeypatch):
    tracker = RecordingTracker()
    monkeypatch.setattr("mardm_batch.tracking.wandb_tracker.WandbSettings.open", lambda *_: tracker)
    with pytest.raises(InputError):
        train(make_config(tmp_path, f"data.mocap={tmp_path}/absent.npz"))
    assert [summary.exit_code for summary in tracker.summaries] == [1]


@pytest.mark.parametrize("length", [0, 100, 0.9])
def test_truncated_recorded_clips_are_reported(tmp_path, recorded, length):
    content = recorded.read_bytes()
    (tmp_path / "broken.npz").write_bytes(content[: int(length if length > 1 else length * len(content))])
    with pytest.raises(InputError, match=r"data\.mocap: .*broken\.npz cannot be read") as error:
        mocap.read_clips(tmp_path / "broken.npz")
    assert "\n" not in str(error.value)
    assert "pickle" not in str(error.value)


def test_missing_start_weights_are_reported_with_their_setting(tmp_path):
    with pytest.raises(InputError, match=r"^start=.*absent\.safetensors: no such file"):
        train(make_config(tmp_path, f"start={tmp_path}/absent.safetensors"))


def test_held_out_recordings_are_not_trained_on(tmp_path, recorded, monkeypatch):
    settings = make_config(tmp_path, f"data.mocap={recorded}", "data.composed_clips=0").data
    monkeypatch.setattr("mardm_batch.train.data.is_held_out", lambda kind, name: name == "01_02")
    motions = read_motions(settings, 0, tmp_path, resume=False)
    assert not any("reach" in caption for captions in motions.captions for caption in captions)
    held_out = read_held_out_motions(settings, 0, motions)
    assert all("reach" in captions[-1] for captions in held_out.captions)
    torch.testing.assert_close(held_out.mean, motions.mean)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.steps=0", "network.steps=0: must be a whole number of at least 1"),
        ("sizes.width=18", "sizes.width=18: must be a multiple of twice sizes.heads (2)"),
        ("data.composed_clips=0", "data.composed_clips=0: must be at least 1"),
        ("start_share=0.5", "start_share=0.5: must be 0 where start names no weights"),
        ("data.written_share=0.3", "data.written_share=0.3: must be 0 where start names no weights"),
        ("output=weights.tar", "output=weights.tar: must be a file ending in .safetensors"),
    ],
)
def test_settings_out_of_range_are_reported(tmp_path, override, message):
    with pytest.raises(ConfigurationError) as error:
        make_config(tmp_path, *(["output=weights.tar"] if override.startswith("output") else [override]))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "override",
    [
        "data.bvh=absent",
        "data.mocap=absent",
        "network.stepz=3",
        "network.steps=many",
        "seed=-1",
        "--multirun",
        "output=file/w.safetensors",
        "folder=file/run",
    ],
)
def test_user_errors_are_reported_in_one_line(tmp_path, override):
    (tmp_path / "file").write_text("not a folder")
    result = call_in_process(main, [override], tmp_path, {})
    assert result.returncode == 2
    output = result.stdout + result.stderr  # errors found after the start go to the log, on stdout
    assert len(output.strip().splitlines()) == 1
    assert (override.split("=")[0].split(".")[-1] in output) or ("file" in output)
    assert not (tmp_path / "embedded.safetensors").exists()
    if override.startswith("data."):
        assert result.stderr.startswith(f"error: {override}: no such ")
        assert not (tmp_path / "training").exists()


def test_help_shows_the_commands_and_every_setting(tmp_path) -> None:
    help_text = call_in_process(main, ["network.steps=7", "--help"], tmp_path, {}).stdout
    for words in ("data.bvh=FOLDER", "network.steps=7", "resume=false", "moving average", "Weights & Biases"):
        assert words in help_text


def test_a_missing_recording_is_reported(tmp_path):
    with pytest.raises(InputError, match="absent.npz"):
        train(make_config(tmp_path, f"data.mocap={tmp_path}/absent.npz"))


class Line(torch.nn.Module):
    """A model with one weight, the slope of a line through the origin."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(()))

    def losses(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        x = torch.randn(8, generator=generator)
        return {"loss": (self.slope * x - 3 * x).square().mean()}


def stage_settings(tmp_path: Path, steps: int):
    config = make_config(tmp_path, "network.learning_rate=0.05", "network.warmup_steps=2", "network.ema_decay=0.9")
    return dataclasses.replace(config.network, steps=steps)


def no_log(metrics, step):
    assert step > 0


def test_a_stage_learns_and_reports_its_metrics(tmp_path):
    reports = []
    model = Line()
    settings = stage_settings(tmp_path, 300)
    averaged = run_stage(
        settings,
        model,
        model.losses,
        tmp_path,
        False,
        0,
        lambda metrics, step: reports.append((step, metrics)),
    )
    assert float(averaged.slope) == pytest.approx(3.0, abs=0.2)
    assert [step for step, _ in reports] == [50, 100, 150, 200, 250, 300]
    assert reports[-1][1]["network/loss"] < reports[0][1]["network/loss"]
    assert reports[0][1]["network/steps_per_second"] > 0


def test_a_resumed_stage_gives_the_weights_of_an_uninterrupted_one(tmp_path):
    settings = dataclasses.replace(stage_settings(tmp_path, 40), checkpoint_minutes=0)
    (tmp_path / "whole").mkdir()
    model = Line()
    uninterrupted = run_stage(settings, model, model.losses, tmp_path / "whole", False, 0, no_log)

    interrupted = Line()
    calls = 0
    checkpoints: list[torch.nn.Module] = []

    def stop_half_way(generator):
        nonlocal calls
        calls += 1
        if calls > 20:
            raise KeyboardInterrupt
        return interrupted.losses(generator)

    with pytest.raises(KeyboardInterrupt):
        run_stage(settings, interrupted, stop_half_way, tmp_path, False, 0, no_log, checkpoints.append)
    assert len(checkpoints) == 20
    again = Line()
    resumed = run_stage(settings, again, again.losses, tmp_path, True, 0, no_log)
    torch.testing.assert_close(resumed.slope, uninterrupted.slope, rtol=0, atol=0)


def test_a_loss_that_is_not_finite_stops_the_stage(tmp_path):
    model = Line()
    with pytest.raises(MardmBatchError, match="network: the loss is not finite at step 0; lower network.learning_rate"):
        run_stage(
            stage_settings(tmp_path, 5),
            model,
            lambda _: {"loss": model.slope / 0},
            tmp_path,
            False,
            0,
            no_log,
        )


def test_resuming_with_other_settings_of_the_networks_is_refused_before_anything_is_loaded(tmp_path):
    train(make_config(tmp_path))
    for words, differences in (
        (["sizes.latent=8", "sizes.width=32"], "sizes.latent=4, not 8, sizes.width=16, not 32"),
        (["sizes.heads=1"], "sizes.heads=2, not 1"),  # of which no weight tells
        (["autoencoder.steps=5"], "autoencoder.steps=3, not 5"),
        (["start=embedded"], "start=null, not embedded"),
        (["seed=5"], "seed=3407, not 5"),
    ):
        with pytest.raises(InputError) as refused:
            check_folders(make_config(tmp_path, "resume=true", *words))
        advice = "use the settings of that training, or another folder="
        assert str(refused.value) == f"folder={tmp_path}/run: its networks were trained with {differences}; {advice}"
    (tmp_path / "run" / "network.checkpoint").unlink()
    (tmp_path / "weights.safetensors").unlink()
    train(make_config(tmp_path, "resume=true", "sizes.width=32"))
    check_folders(make_config(tmp_path, "resume=true", "sizes.width=32"))
    with pytest.raises(InputError, match=r"sizes\.autoencoder_width=8, not 16, sizes\.width=32, not 16;"):
        check_folders(make_config(tmp_path, "resume=true", "sizes.autoencoder_width=16"))


def test_a_checkpoint_of_other_sizes_is_rejected(tmp_path):
    """Of an earlier version, which did not record its settings."""
    train(make_config(tmp_path))
    (tmp_path / "run" / "training.json").unlink()
    for _ in range(2):  # the refused one's settings are not taken for those of the checkpoint
        with pytest.raises(
            InputError, match=r"autoencoder\.checkpoint: a checkpoint of other sizes \(.*: 8 x 67 x 3, not"
        ):
            train(make_config(tmp_path, "resume=true", "sizes.autoencoder_width=16"))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("trace", ["autoencoder.checkpoint", "network.checkpoint", "clips.pt", "scales.pt"])
def test_an_earlier_training_is_not_overwritten(tmp_path, trace):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / trace).write_bytes(b"of an earlier training")
    before = snapshot(tmp_path)
    result = call_in_process(main, [*TINY, f"folder={tmp_path}/run", "output=new.safetensors"], tmp_path, {})
    assert result.returncode == 2
    (line,) = (result.stdout + result.stderr).splitlines()
    assert f"folder={tmp_path}/run" in line
    assert "resume=true" in line
    assert "another folder=" in line
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("resume", ["false", "true"])
def test_weights_of_another_training_are_not_overwritten(tmp_path, resume):
    (tmp_path / "weights.safetensors").write_bytes(b"of another training")
    with pytest.raises(InputError, match=r"output=.*weights\.safetensors.*another output=.*resume=true"):
        train(make_config(tmp_path, f"resume={resume}"))
    assert (tmp_path / "weights.safetensors").read_bytes() == b"of another training"
    assert not (tmp_path / "run").exists()


def test_a_resumed_training_does_not_overwrite_the_weights_of_another(tmp_path):
    train(make_config(tmp_path))
    (tmp_path / "other.safetensors").write_bytes(b"of another training")
    with pytest.raises(InputError, match=r"output=.*other\.safetensors: exists already"):
        train(make_config(tmp_path, "resume=true", f"output={tmp_path}/other.safetensors"))
    train(make_config(tmp_path, "resume=true", f"output={tmp_path}/new.safetensors"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["autoencoder.steps=5"], "autoencoder.checkpoint: was trained for 3 steps, not autoencoder.steps=5"),
        (["start=embedded"], "another autoencoder|other sizes"),
        (["seed=9"], "another autoencoder"),
        ([], "holds network.checkpoint without the autoencoder.checkpoint"),
    ],
)
def test_an_old_network_is_not_resumed_on_a_new_autoencoder(tmp_path, change, message):
    train(make_config(tmp_path))
    written = (tmp_path / "weights.safetensors").read_bytes()
    if not change:
        (tmp_path / "run" / "autoencoder.checkpoint").unlink()
    (tmp_path / "run" / "training.json").unlink()  # as in those of earlier versions
    if change == ["seed=9"]:  # a new autoencoder beside the old network
        train(make_config(tmp_path, *change, f"folder={tmp_path}/b", f"output={tmp_path}/b.safetensors"))
        (tmp_path / "b" / "autoencoder.checkpoint").replace(tmp_path / "run" / "autoencoder.checkpoint")
    with pytest.raises(InputError, match=message) as refused:
        train(make_config(tmp_path, "resume=true", *change))
    assert "\n" not in str(refused.value)
    assert (tmp_path / "weights.safetensors").read_bytes() == written


def test_a_resumed_training_keeps_the_settings_of_its_clips(tmp_path):
    train(make_config(tmp_path))
    with pytest.raises(InputError, match=r"clips were made with data\.composed_clips=12, not 13; use .*clips\.pt"):
        train(make_config(tmp_path, "resume=true", "data.composed_clips=13"))
    (tmp_path / "run" / "clips.pt").unlink()
    train(make_config(tmp_path, "resume=true", "data.composed_clips=13"))
    with pytest.raises(InputError, match=r"data\.composed_clips=13, not 12"):
        train(make_config(tmp_path, "resume=true"))


def test_a_training_says_what_it_does_and_how_to_use_the_weights(tmp_path, caplog):
    with caplog.at_level("INFO"):
        train(make_config(tmp_path))
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == (
        f"training in {tmp_path}/run: composes 12 clips first, about 1 min; then 3 steps of the autoencoder, "
        "3 steps of the network"
    )
    assert f"python -m mardm_batch model.weights={tmp_path}/weights.safetensors" in said[-1]
    assert said[-2].startswith(f"weights: {tmp_path}/weights.safetensors")


def test_composing_is_reported_every_ten_seconds(caplog, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("mardm_batch.train.recipe.time.monotonic", lambda: now[0])
    report = CompositionReport(1000)
    with caplog.at_level("INFO"):
        for composed in range(100, 1001, 100):
            now[0] += 4
            report(composed)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "300 of 1000 clips composed, 0:00:28 left"
    assert len(said) == 3


def test_resuming_a_finished_training_does_nothing_while_its_weights_are_there(tmp_path, caplog):
    train(make_config(tmp_path))
    weights, first = tmp_path / "weights.safetensors", snapshot(tmp_path)
    written = weights.stat().st_mtime_ns
    with caplog.at_level("INFO"):
        train(make_config(tmp_path, "resume=true"))
    folder = tmp_path / "run"
    said = f"nothing is left to do: the training in {folder} is finished, its weights are {weights}"
    assert caplog.records[-1].getMessage() == said
    assert (weights.stat().st_mtime_ns, snapshot(tmp_path)) == (written, first)
    before = load_embedded(weights).weights_hash
    weights.unlink()
    train(make_config(tmp_path, "resume=true"))
    assert load_embedded(weights).weights_hash == before
    train(make_config(tmp_path, "resume=true", "network.steps=5"))
    assert load_embedded(weights).weights_hash != before


def test_a_folder_without_a_training_is_said_to_hold_nothing_to_resume(tmp_path, caplog):
    train(make_config(tmp_path, "resume=true"))
    said = f"resume=true: there is nothing to resume in {tmp_path}/run; the training starts anew"
    assert said in [record.getMessage() for record in caplog.records]


def test_clips_of_another_seed_are_not_resumed(tmp_path):
    train(make_config(tmp_path))
    for name in ("autoencoder.checkpoint", "network.checkpoint"):
        (tmp_path / "run" / name).unlink()
    with pytest.raises(InputError, match=r"its clips were made with seed=3407, not 5; .* or remove .*clips\.pt"):
        check_folders(make_config(tmp_path, "resume=true", "seed=5", f"output={tmp_path}/new.safetensors"))


@pytest.mark.parametrize("content", ["[", "[]", ""])
def test_a_damaged_record_of_a_training_is_refused_with_what_to_do(tmp_path, content):
    train(make_config(tmp_path))
    record = tmp_path / "run" / "training.json"
    record.write_text(content)
    with pytest.raises(InputError, match=rf"^{record}: damaged \(.+\), so .* unknown; remove it .* another folder=$"):
        check_folders(make_config(tmp_path, "resume=true"))
    record.unlink()
    check_folders(make_config(tmp_path, "resume=true"))


def test_training_from_trained_weights_extends_their_vocabulary(tmp_path):
    train(make_config(tmp_path))
    first = load_embedded(tmp_path / "weights.safetensors")
    again = make_config(
        tmp_path,
        f"start={tmp_path}/weights.safetensors",
        f"folder={tmp_path}/again",
        f"output={tmp_path}/again.safetensors",
        "data.composed_clips=30",
        "sizes.vocabulary=200",
        "network.learning_rate=1e-7",
    )
    train(again)
    second = load_embedded(tmp_path / "again.safetensors")
    assert torch.equal(second.mean, first.mean)
    assert torch.equal(first_layer(second.autoencoder), first_layer(first.autoencoder))
    words, known = second.text_encoder.token_numbers, first.text_encoder.token_numbers
    assert len(words) > len(known)
    assert tuple(words)[: len(known)] == tuple(known)  # no word is lost
    (common, *_) = known
    new, old = (each.text_encoder.words.weight for each in (second, first))
    torch.testing.assert_close(new[words[common]], old[known[common]], atol=1e-3, rtol=0)
    torch.testing.assert_close(second.network.cond_emb.weight, first.network.cond_emb.weight, atol=1e-3, rtol=0)


def test_start_share_averages_trained_and_start_weights(tmp_path):
    train(make_config(tmp_path))
    written = {}
    for share in (0.0, 0.5, 1.0):
        start = (f"start={tmp_path}/weights.safetensors", f"start_share={share}")
        far = ("network.learning_rate=0.01", "network.warmup_steps=0", "network.ema_decay=0")
        places = (f"folder={tmp_path}/{share}", f"output={tmp_path}/{share}.safetensors")
        train(make_config(tmp_path, *start, *far, *places))
        written[share] = load_embedded(tmp_path / f"{share}.safetensors").text_encoder.words.weight
    first = load_embedded(tmp_path / "weights.safetensors").text_encoder.words.weight
    assert torch.equal(written[1.0], first)
    assert (written[0.0] - first).abs().max() > 0.005
    torch.testing.assert_close(written[0.5], (written[0.0] + first) / 2, atol=1e-3, rtol=0)


def first_layer(autoencoder: Autoencoder) -> torch.Tensor:
    return autoencoder.state_dict()["encoder.model.0.weight"]


def test_start_weights_of_other_sizes_are_rejected(tmp_path):
    train(make_config(tmp_path))
    places = (f"folder={tmp_path}/b", f"output={tmp_path}/b.safetensors")
    with pytest.raises(InputError, match="start: weights of other sizes"):
        train(make_config(tmp_path, f"start={tmp_path}/weights.safetensors", "sizes.width=32", *places))


def test_recorded_clips_have_bone_lengths_floor_contact_and_sided_captions(recorded):
    recordings = mocap.read_clips(recorded)
    clips = recorded_clips(recordings, stride=8, seed=0)
    assert len(clips) == 2 * (6 + 3)
    assert all(clip.features.shape == (CLIP_FRAMES, 67) for clip in clips)
    middle = np.stack([clip.features[CLIP_FRAMES // 2] for clip in clips])
    joints = np.concatenate([np.zeros_like(middle[:, :3]), middle[:, 4:]], axis=1).reshape(-1, 22, 3)
    joints[:, 0, 1] = middle[:, 3]
    assert float(bone_error(torch.from_numpy(joints))) < 1e-4
    np.testing.assert_allclose(joints[:, :, 1].min(axis=1), 0.02, atol=1e-3)
    captions = {caption for clip in clips for caption in clip.captions}
    assert any("left arm" in caption for caption in captions)
    assert any("right arm" in caption for caption in captions), "captions of mirrored clips name the other side"


def test_composed_clips_do_not_depend_on_the_number_of_processes(tmp_path):
    one_process = composed_clips(120, seed=1, processes=1)
    two_processes = composed_clips(120, seed=1, processes=2)
    assert [clip.captions for clip in one_process] == [clip.captions for clip in two_processes]
    np.testing.assert_array_equal(one_process[-1].features, two_processes[-1].features)


def test_sources_are_drawn_by_their_share():
    clips = composed_clips(10, seed=0, processes=1)
    motions = Motions.from_sources([(0.25, clips[:1]), (0.75, clips[1:]), (0.5, [])])
    rows = motions.draw(4000, torch.Generator().manual_seed(0))
    assert float((rows == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert int(rows.max()) == 9
    normalised = motions.normalised(rows)
    assert float(normalised[..., 4:].mean().abs()) < 0.1
    torch.testing.assert_close(motions.unnormalised(normalised), motions.features[rows], atol=1e-5, rtol=0)


def test_initial_weights_reconstruct_still_poses():
    torch.manual_seed(0)
    motions = Motions.from_sources([(1.0, composed_clips(100, seed=0, processes=1))])
    autoencoder = Autoencoder(width=134, latent_size=64).eval()
    untrained = reconstruction(autoencoder, motions)
    init_as_principal_components(autoencoder, motions)
    initialised = reconstruction(autoencoder, motions)
    for measure, limit in (("joints_cm", 3), ("bones_degrees", 8)):
        key = f"autoencoder/{measure}_16_frames"
        assert initialised[key] < limit < untrained[key]


def test_scaling_the_latents_does_not_change_reconstructions():
    torch.manual_seed(0)
    motions = Motions.from_sources([(1.0, composed_clips(8, seed=0, processes=1))])
    autoencoder = Autoencoder(width=8, latent_size=4).eval()
    motion = motions.normalised(torch.arange(8))
    before = autoencoder(motion)
    scale_latents(autoencoder, motions)
    torch.testing.assert_close(autoencoder(motion), before, atol=1e-5, rtol=1e-4)
    size = encode_windows(autoencoder, motions, 16).square().mean().sqrt()
    torch.testing.assert_close(size, torch.ones(()))


BVH_JOINTS = {
    # name: (parent, offset in CMU's unit)
    "Hips": (None, (0, 0, 0)),
    "LHipJoint": ("Hips", (0, 0, 0)),
    "LeftUpLeg": ("LHipJoint", (1.6, -1.6, 0.8)),
    "LeftLeg": ("LeftUpLeg", (0, -7, 0)),
    "LeftFoot": ("LeftLeg", (0, -7, 0)),
    "LeftToeBase": ("LeftFoot", (0, -0.5, 2)),
    "RHipJoint": ("Hips", (0, 0, 0)),
    "RightUpLeg": ("RHipJoint", (-1.6, -1.6, 0.8)),
    "RightLeg": ("RightUpLeg", (0, -7, 0)),
    "RightFoot": ("RightLeg", (0, -7, 0)),
    "RightToeBase": ("RightFoot", (0, -0.5, 2)),
    "LowerBack": ("Hips", (0, 0, 0)),
    "Spine": ("LowerBack", (0, 2, 0)),
    "Spine1": ("Spine", (0, 2, 0)),
    "Neck": ("Spine1", (0, 2, 0)),
    "Neck1": ("Neck", (0, 1, 0)),
    "Head": ("Neck1", (0, 1, 0.2)),
    "LeftShoulder": ("Spine1", (0, 2, 0)),
    "LeftArm": ("LeftShoulder", (3, 1, 0)),
    "LeftForeArm": ("LeftArm", (5, 0, 0)),
    "LeftHand": ("LeftForeArm", (4, 0, 0)),
    "RightShoulder": ("Spine1", (0, 2, 0)),
    "RightArm": ("RightShoulder", (-3, 1, 0)),
    "RightForeArm": ("RightArm", (-5, 0, 0)),
    "RightHand": ("RightForeArm", (-4, 0, 0)),
}


def write_bvh(path: Path, frames: int, left_arm_raised: float) -> None:
    """A BVH file of CMU's skeleton in a T-pose, 120 frames a second; the left arm is rotated about Z, in degrees."""

    def joint(name: str, depth: int) -> list[str]:
        parent, offset = BVH_JOINTS[name]
        keyword = "ROOT" if parent is None else "JOINT"
        channels = "Zrotation Yrotation Xrotation"
        channels = f"6 Xposition Yposition Zposition {channels}" if parent is None else f"3 {channels}"
        children = [line for child in BVH_JOINTS if BVH_JOINTS[child][0] == name for line in joint(child, depth + 1)]
        end = [] if children else ["End Site", "{", "OFFSET 0 0 1", "}"]
        return [
            f"{keyword} {name}",
            "{",
            f"OFFSET {' '.join(map(str, offset))}",
            f"CHANNELS {channels}",
            *children,
            *end,
            "}",
        ]

    order = [line.split()[1] for line in joint("Hips", 0) if line.startswith(("ROOT", "JOINT"))]
    turns = {"LeftArm": f"{left_arm_raised} 0 0"}
    rows = [f"5 17 {frame / 100} " + " ".join(turns.get(name, "0 0 0") for name in order) for frame in range(frames)]
    header = ["HIERARCHY", *joint("Hips", 0), "MOTION", f"Frames: {frames}", "Frame Time: .0083333"]
    path.write_text("\n".join([*header, *rows]) + "\n")


def test_cmu_bvh_files_are_retargeted_and_resampled(tmp_path):
    write_bvh(tmp_path / "01_01.bvh", frames=121, left_arm_raised=90)
    (tmp_path / mocap.DESCRIPTION_FILE).write_text("Subject 1\n01_01\tclimb, raise the arm\n")
    (clip,) = mocap.read_bvh_folder(tmp_path)
    assert (clip.name, clip.description) == ("01_01", "climb, raise the arm")
    assert clip.joints.shape == (21, 22, 3)  # one second, including the frame at its end
    assert float(bone_error(torch.from_numpy(clip.joints))) < 1e-5
    wrist = clip.joints[:, JOINT_INDEX["left_wrist"]] - clip.joints[:, JOINT_INDEX["left_shoulder"]]
    np.testing.assert_allclose(wrist, [[0, 0.257 + 0.266, 0]] * 21, atol=1e-5)
    right = clip.joints[:, JOINT_INDEX["right_wrist"]] - clip.joints[:, JOINT_INDEX["right_shoulder"]]
    np.testing.assert_allclose(right, [[-0.263 - 0.270, 0, 0]] * 21, atol=1e-5)
    assert clip.joints[..., 1].min() == pytest.approx(0, abs=0.02)
    path = clip.joints[:, 0] - clip.joints[0, 0]
    assert path[-1, 2] == pytest.approx(1.2 * 1.642 / 28, rel=1e-3)  # both legs: 28 units, 1.642 m


@pytest.mark.parametrize("text", ["", "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\n}\nMOTION\nFrames: 1\nFrame Time: 0.1\n"])
def test_a_malformed_bvh_file_is_reported(tmp_path, text):
    (tmp_path / "02_01.bvh").write_text(text)
    with pytest.raises(InputError, match="02_01.bvh is not a BVH file of CMU's skeleton"):
        mocap.read_bvh_folder(tmp_path)


def test_a_folder_without_bvh_files_is_reported(tmp_path):
    with pytest.raises(InputError, match="no .bvh file in"):
        mocap.read_bvh_folder(tmp_path)


@pytest.mark.parametrize("side", [1, -1])
def test_only_captions_with_a_side_are_trained_with_both_images(side):
    (clip,) = composed_clips(1, seed=0, processes=1)
    captions = ("Waving", "A person waving with the left hand")
    motions = Motions.from_sources([(1.0, [dataclasses.replace(clip, captions=captions, sides=(side, 0))])])
    words = WordEncoder(build_vocabulary([*captions, "right"], 20))
    captions_of_clip = TokenizedCaptions.of(motions, words)
    waving, left, right = words.tokenize([*captions, "A person waving with the right hand"]).tolist()
    tokens, images = captions_of_clip.draw(torch.zeros(64, dtype=torch.long), torch.Generator().manual_seed(0))
    width = tokens.shape[1]
    drawn = {(tuple(row), image) for row, image in zip(tokens.tolist(), images.tolist(), strict=True)}
    assert drawn == {(tuple(waving[:width]), int(side < 0)), (tuple(left), 0), (tuple(right), 1)}
    pairs = list(zip(tokens[:64].tolist(), tokens[64:].tolist(), strict=True))
    assert all(second == right for first, second in pairs if first == left)


def test_mirror_images_have_left_and_right_exchanged():
    pose = make_standing(1)
    pose[:, JOINT_INDEX["left_wrist"]] += [0.0, 0.3, 0.1]
    pose = mocap.with_bone_lengths(pose)
    mirrored = mirror_image(pose)
    left, right = JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]
    assert mirrored[0, right, 1] > mirrored[0, left, 1] + 0.1
    assert mirrored[0, right, 0] < 0 < mirrored[0, left, 0]
    assert float(bone_error(torch.from_numpy(mirrored))) < 1e-6


def test_an_interruption_says_what_continues(tmp_path):
    assert how_to_continue(tmp_path) == "nothing was saved yet, so the same command begins again"
    (tmp_path / "clips.pt").touch()
    assert how_to_continue(tmp_path) == "the same command with resume=true continues with the clips that are composed"
    (tmp_path / "autoencoder.checkpoint").touch()
    assert how_to_continue(tmp_path) == "the same command with resume=true continues from the last checkpoint"
