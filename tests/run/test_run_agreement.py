"""Each pose of a run says how it agrees with its caption; the best of several candidates is found again on resuming."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import Run, wait_until, write_captions

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.errors import ExitCode
from mardm_batch.judge.judge import load_judge
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.measures import pose_measures
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.system.signals import Interrupted
from mardm_batch.verify.__main__ import main as verify

CAPTIONS = [
    "A person with both arms raised overhead",
    "A person standing with both arms hanging down",
    "A person with the left arm raised to the side",
    "A person kneeling",
]
SETTINGS = ("+preset=fast", "render.enabled=false", "sampling.min_agreement=null")


def documents_in(folder: Path) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_poses_lists_and_the_summary_have_the_agreement(tmp_path: Path, run: Run) -> None:
    assert run(write_captions(tmp_path, CAPTIONS), *SETTINGS).returncode == 0
    documents = documents_in(tmp_path / "SinglePose")
    joints = np.array([each["joints"] for each in documents.values()], np.float32)
    expected = load_judge().scores([each["caption"] for each in documents.values()], joints)
    assert [each.get("agreement") for each in documents.values()] == expected
    assert not any("candidate" in each or "candidates" in each["sampling"] for each in documents.values())
    rows = [json.loads(line) for line in (tmp_path / "SinglePose" / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert sorted(row["agreement"] for row in rows) == sorted(score for score in expected if score is not None)
    (file,) = tmp_path.glob("outputs/*/*/summary.json")
    metrics = json.loads(file.read_text())["metrics"]
    found = [score for score in expected if score is not None]
    assert np.isclose(metrics["agreement"], np.mean(found))
    assert np.isclose(metrics["agreement_below_half"], np.mean([score < 0.5 for score in found]))


def test_a_resumed_run_keeps_the_same_candidates(tmp_path: Path, run: Run) -> None:
    prompts, words = write_captions(tmp_path, CAPTIONS), (*SETTINGS, "sampling.candidates=3", "sampling.batch_size=5")
    assert run(prompts, *words).returncode == 0
    output = tmp_path / "SinglePose"
    before = {path.name: path.read_bytes() for path in output.glob("*.json")}
    documents = documents_in(output)
    assert all(each["sampling"]["candidates"] == 3 and each["candidate"] in (0, 1, 2) for each in documents.values())
    for name in list(before)[:2]:
        (output / name).unlink()
    assert run(prompts, *words).returncode == 0
    again = documents_in(output)
    for name, document in documents.items():
        np.testing.assert_allclose(again[name]["joints"], document["joints"], atol=1e-4)
        assert (again[name]["candidate"], again[name].get("agreement")) == (
            document["candidate"], document.get("agreement")
        )  # fmt: skip
    refused = run(prompts, *SETTINGS)
    assert refused.returncode == 2
    assert "candidates: the folder's 3, this command's none" in refused.stderr


def test_poses_that_disagree_make_room_for_better_ones(tmp_path: Path, run: Run) -> None:
    prompts = write_captions(tmp_path, CAPTIONS)
    assert run(prompts, *SETTINGS, "paths.output=first").returncode == 0
    assert run(prompts, *SETTINGS, "sampling.min_agreement=0.95", "paths.output=chosen").returncode == 0
    first, chosen = documents_in(tmp_path / "first"), documents_in(tmp_path / "chosen")
    for name, document in chosen.items():
        agreement = first[name].get("agreement", 1.0)
        assert document.get("agreement", 1.0) >= agreement
        assert (document["candidate"] == 0) == (document["joints"] == first[name]["joints"])
        assert document["sampling"]["min_agreement"] == 0.95


def test_an_interrupted_run_is_completed_as_if_it_had_not_been(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, words = write_captions(tmp_path, CAPTIONS), (*SETTINGS, "sampling.candidates=2", "sampling.batch_size=3")
    assert run(prompts, *words, "paths.output=whole").returncode == 0

    def interrupted(*arguments: Any) -> Iterator[list[Pose | Failure]]:
        """Ends as by Ctrl-C while a candidate for the second pose waits for the other."""
        yield [next(iter(sample_poses(*arguments)))]
        wait_until(lambda: bool(documents_in(tmp_path / "resumed")))
        raise Interrupted(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("mardm_batch.generate.sample_batches", interrupted)
        assert run(prompts, *words, "paths.output=resumed").returncode == ExitCode.INTERRUPTED
    assert len(documents_in(tmp_path / "resumed")) == 1
    assert run(prompts, *words, "paths.output=resumed").returncode == 0
    whole, resumed = documents_in(tmp_path / "whole"), documents_in(tmp_path / "resumed")
    assert resumed.keys() == whole.keys()
    for name, document in whole.items():
        joints = resumed[name].pop("joints")
        np.testing.assert_allclose(joints, document.pop("joints"), atol=1e-4)
        assert resumed[name] == document
    assert verify([str(tmp_path / "resumed")]) == 0
    assert "agreement with the captions, measured on " in capsys.readouterr().out
    (tmp_path / "whole" / sorted(whole)[0]).unlink()
    assert run(prompts, *SETTINGS, "existing=keep", "paths.output=whole").returncode == 0
    assert verify([str(tmp_path / "whole")]) == 0
    assert "mixed settings" in (found := capsys.readouterr().out)
    assert "candidates=2" in found


def test_a_pose_without_agreement_is_not_measured() -> None:
    pose = Pose(Prompt("a", "A person"), np.zeros((22, 3), np.float32), 4, 0)
    assert "agreement" not in pose_measures(pose, {})
