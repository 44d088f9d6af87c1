"""The ledger spares reading; what is in the folder counts, whatever the ledger says."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.records import Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.verify.verification import verify

SETTINGS = Provenance("embedded", 1, 8, {"cfg": 2.0}, "0123", "float32")
JOINTS = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
PROMPTS = tuple(Prompt(f"waving_{number}", f"A person waving {number}") for number in range(4))


def run(folder: Path, prompts: tuple[Prompt, ...] = PROMPTS, shard: str = "all", **settings: object) -> PoseStore:
    """Write poses as a run does, with its ledger."""
    store = PoseStore(folder / "poses", (NPY,))
    store.prepare()
    (folder / "staging").mkdir(exist_ok=True)
    with store.keeping_ledger(shard):
        for prompt in prompts:
            pose = Pose(prompt, JOINTS, 8, 0)
            finished = store.write(pose, None, replace(SETTINGS, **settings), folder / "staging")
            list(store.noted([Outcome(pose, None, {}, finished)]))
    return store


@contextmanager
def counting_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the poses whose JSON is read."""
    read, names = PoseStore.read, list[str]()

    def counted(store: PoseStore, name: str) -> object:
        names.append(name)
        return read(store, name)

    with monkeypatch.context() as patch:
        patch.setattr(PoseStore, "read", counted)
        yield names


def fresh(store: PoseStore) -> PoseStore:
    return PoseStore(store.output, (NPY,))


def ledgers(store: PoseStore) -> list[Path]:
    return sorted((store.output / ".mardm_batch" / "done").glob("*"))


def test_poses_that_a_run_wrote_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = run(tmp_path)
    with counting_reads(monkeypatch) as names:
        survey = fresh(store).survey(PROMPTS, replace(SETTINGS, seed=2))
    assert (survey.finished, names) == (PROMPTS, [])
    assert (survey.other_settings, survey.differences) == (4, {"seed": (("1",), 2)})
    assert fresh(store).survey([replace(PROMPTS[0], caption="A person")]).other_captions == 1


def test_what_a_run_read_is_in_its_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = run(tmp_path)
    for path in ledgers(store):
        path.unlink()
    store = fresh(store)
    with counting_reads(monkeypatch) as names, store.keeping_ledger("shard-0-of-2"):
        assert store.survey(PROMPTS[::2]).finished == PROMPTS[::2]
    assert names == [each.name for each in PROMPTS[::2]]
    with counting_reads(monkeypatch) as names:
        assert fresh(store).survey(PROMPTS).finished == PROMPTS
    assert names == [each.name for each in PROMPTS[1::2]]


def test_a_shard_finds_its_poses_in_the_ledgers_of_another_division(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fresh(run(tmp_path))
    with counting_reads(monkeypatch) as names, store.keeping_ledger("shard-1-of-2"):
        assert store.survey(PROMPTS[1::2]).finished == PROMPTS[1::2]
    assert names == []
    assert set(store.ledger.rows) == {each.name for each in PROMPTS[1::2]}


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_a_file_that_was_removed_by_hand_is_noticed(tmp_path: Path, suffix: str) -> None:
    store = run(tmp_path)
    (store.output / f"waving_1{suffix}").unlink()
    assert fresh(store).survey(PROMPTS).unfinished == PROMPTS[1:2]


def test_a_json_that_changed_is_read(tmp_path: Path) -> None:
    store = run(tmp_path)
    path = store.output / "waving_1.json"
    path.write_text(path.read_text().replace("waving 1", "nodding"))
    survey = fresh(store).survey(PROMPTS)
    assert (survey.unfinished, survey.other_captions) == (PROMPTS[1:2], 1)
    path.write_text("{")
    assert fresh(store).survey(PROMPTS).unfinished == PROMPTS[1:2]


def test_a_pose_that_was_made_again_counts_with_its_new_settings(tmp_path: Path) -> None:
    run(tmp_path)
    store = run(tmp_path, PROMPTS[:1], "shard-0-of-2", seed=2)
    assert fresh(store).survey(PROMPTS, SETTINGS).other_settings == 1


@pytest.mark.parametrize("damage", [b"", b"\xff\0[[[", b'["waving_0", 1, 2, 3, [], {}]\n{"settings": 1}\n[1]\nnull\n'])
def test_a_ledger_can_be_torn_or_full_of_rubbish(tmp_path: Path, damage: bytes) -> None:
    store = run(tmp_path)
    (path,) = ledgers(store)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + damage)
    with (store := fresh(store)).keeping_ledger("all"):
        assert store.survey(PROMPTS, SETTINGS).finished == PROMPTS
    assert len(fresh(run(tmp_path, PROMPTS[:1])).survey(PROMPTS).finished) == 4


def test_a_ledger_is_written_anew_before_it_is_full_of_outdated_lines(tmp_path: Path) -> None:
    store = run(tmp_path)
    (path,) = ledgers(store)
    path.write_bytes(path.read_bytes() * 300)
    with (store := fresh(store)).keeping_ledger("all"):
        pass
    assert len(path.read_bytes().split()) < 300
    assert set(json.loads(line)[0] for line in path.read_text().splitlines() if line.startswith("[")) == {
        each.name for each in PROMPTS
    }


def test_a_ledger_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "poses" / ".mardm_batch").mkdir(parents=True)
    (tmp_path / "poses" / ".mardm_batch" / "done").write_text("in the way")
    assert fresh(run(tmp_path)).survey(PROMPTS).finished == PROMPTS


def test_the_audit_finds_a_ledger_that_lies_and_a_repair_removes_it(tmp_path: Path) -> None:
    store = run(tmp_path)
    (path,) = ledgers(store)
    document = json.loads((store.output / "waving_1.json").read_text())
    text = json.dumps({**document, "caption": "A person waving 9"})
    status = (store.output / "waving_1.json").stat()
    (store.output / "waving_1.json").write_text(text + "\n")
    os.utime(store.output / "waving_1.json", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "ledger that differs from the poses" in {each.kind for each in verify(store.output).problems}
    verify(store.output, repair=True)
    assert not path.exists()
