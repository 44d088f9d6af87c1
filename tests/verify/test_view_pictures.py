"""The audit of pictures from other sides: missing, damaged, exchanged, of another pose, or not requested."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.support import run_in_process, write_captions

from mardm_batch.dataset.formats.png_file import text_chunk
from mardm_batch.verify.__main__ import main as verify
from mardm_batch.verify.verification import verify as audit

CAPTIONS = ["A person arms raised", "A person sitting"]
Run = Callable[..., object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """Two poses with pictures from two sides, as a run leaves them."""
    folder = tmp_path_factory.mktemp("views")
    done = command(folder, tiny_weights)("paths.output=poses")
    assert done.returncode == 0, done.stderr
    return folder


def command(folder: Path, weights: Path) -> Run:
    words = (f"model.weights={weights}", "tracking.mode=disabled", "cpu_threads=1", "+preset=fast")
    captions = write_captions(folder, CAPTIONS)
    return partial(run_in_process, *words, captions, "sampling.time_steps=2", "render.views=[45,90]", cwd=folder)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "poses", tmp_path / "poses"))


def remove(folder: Path) -> None:
    (folder / "sitting@045.png").unlink()


def damage(folder: Path) -> None:
    path = folder / "sitting@045.png"
    path.write_bytes(path.read_bytes()[:-100])


def take_that_of_another_caption(folder: Path) -> None:
    shutil.copy(folder / "arms_raised@045.png", folder / "sitting@045.png")


def take_that_of_another_seed(folder: Path) -> None:
    content = (folder / "sitting@045.png").read_bytes()
    pixels = content.index(b"IDAT") - 4
    (folder / "sitting@045.png").write_bytes(content[:pixels] + text_chunk("seed", "1") + content[pixels:])


def exchange_sides(folder: Path) -> None:
    shutil.copy(folder / "sitting@090.png", folder / "sitting@045.png")


def take_the_usual_picture(folder: Path) -> None:
    shutil.copy(folder / "sitting.png", folder / "sitting@045.png")


FAULTS = {
    remove: "missing file of a pose",
    damage: "unreadable 045.PNG",
    take_that_of_another_caption: "JSON and 045.PNG differ",
    take_that_of_another_seed: "JSON and 045.PNG differ",
    exchange_sides: "JSON and 045.PNG differ",
    take_the_usual_picture: "wrong 045.PNG",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_view_is_found_and_set_aside(fault: Callable[[Path], None], folder: Path) -> None:
    assert audit(folder).problems == []
    fault(folder)
    found = [(str(each.kind), each.where) for each in audit(folder).problems if each.where != "metadata.jsonl"]
    assert found == [(FAULTS[fault], "sitting@045.png")]
    if fault is damage:
        assert audit(folder, checks_pictures=False).problems == []
    assert verify([str(folder), "--repair"]) == 1
    assert not list(folder.glob("sitting*"))
    assert len(list(folder.glob("arms_raised*"))) == 5


def test_a_repaired_pose_is_made_again_with_its_views(folder: Path, tiny_weights: Path) -> None:
    before = {path.name for path in folder.glob("sitting*")}
    damage(folder)
    assert verify([str(folder), "--repair"]) == 1
    again = command(folder.parent, tiny_weights)("paths.output=poses")
    assert "1 of 2 poses are finished already" in again.stderr
    assert {path.name for path in folder.glob("sitting*")} == before
    assert audit(folder).problems == []


def test_a_view_without_its_pose_is_left_over(folder: Path) -> None:
    shutil.copy(folder / "sitting@090.png", folder / "lying@090.png")
    assert [(each.kind, each.where) for each in audit(folder).problems] == [("pose file without JSON", "lying@090.png")]


def test_sides_that_are_not_requested_are_counted_checked_and_pruned(folder: Path, tiny_weights: Path, capsys) -> None:
    assert command(folder.parent, tiny_weights)("paths.output=poses", "render.views=[90]").returncode == 0
    report = audit(folder)
    assert report.problems == []
    assert [(each.kind, each.where) for each in report.notes] == [
        ("picture from a side that was not requested", f"{name}@045.png") for name in ("arms_raised", "sitting")
    ]
    damage(folder)
    assert [each.kind for each in audit(folder).problems] == ["unreadable 045.PNG"]
    capsys.readouterr()
    assert verify([str(folder), "--prune", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["repair"]["moved"] == 2
    assert not list(folder.glob("*@045.png"))
    assert [*audit(folder).problems, *audit(folder).notes] == []


def test_without_a_record_of_a_run_the_files_say_which_sides_there_should_be(folder: Path) -> None:
    shutil.rmtree(folder / ".mardm_batch")
    remove(folder)
    assert [each.where for each in audit(folder).problems] == ["sitting@045.png", "metadata.jsonl"]
