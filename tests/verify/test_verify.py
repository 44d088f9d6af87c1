"""The audit finds every kind of damage; a repair deletes nothing and leaves exactly the affected poses unfinished."""

import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.looks import theme
from tests.support import Run

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.npy_file import NPY, npy_bytes
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layout import RECORDS, STAGING_PREFIX
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.progress import Progress, read_progress_records
from mardm_batch.dataset.queues import QueuedJob, write_queue
from mardm_batch.dataset.records import Failure, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.dataset.sweeps import SweepJob, SweepRecord
from mardm_batch.prompts.names import Prompt, name_prompts
from mardm_batch.prompts.prompt_file import Entry
from mardm_batch.render.renderer import PoseRenderer
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD
from mardm_batch.verify.__main__ import main
from mardm_batch.verify.verification import verify

CAPTIONS = ["A person waving", "A person sitting", "A person [bold]:smile:[/bold]", "A person 坐着的人"]
WAVING, SITTING, MARKUP, CHINESE = PROMPTS = name_prompts(map(Entry, CAPTIONS))
PROVENANCE = Provenance("embedded", 1, 8, {"cfg": 2.0, "solver": "euler"}, "0123", "float32")
ALL = (PNG, NPY)


def write(output: Path, prompt: Prompt, picture: bytes, **settings: object) -> None:
    output.mkdir(exist_ok=True)
    joints = np.random.default_rng(len(prompt.name)).normal(0, 0.4, (22, 3)).astype(np.float32)
    PoseStore(output, ALL).write(Pose(prompt, joints, 8, 0), picture, replace(PROVENANCE, **settings), output.parent)


@pytest.fixture(scope="module")
def picture() -> bytes:
    return PoseRenderer(theme()).draw(np.random.default_rng(0).normal(0, 0.4, (22, 3)), "A person waving")


@pytest.fixture
def output(tmp_path: Path, picture: bytes) -> Path:
    """A finished output folder of all captions, and the captions in a file beside it."""
    store = PoseStore(tmp_path / "SinglePose", ALL)
    store.prepare()
    for prompt in PROMPTS:
        write(store.output, prompt, picture)
    rebuild_metadata(store)
    (tmp_path / "captions.txt").write_text("\n".join(CAPTIONS), encoding="utf-8")
    return store.output


@pytest.fixture
def audit(output: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict]:
    """Run the command on the folder for its captions and return its JSON."""

    def with_json(*arguments: str) -> dict:
        code = main([str(output), "--prompts", str(output.parent / "captions.txt"), "--json", *arguments])
        report = json.loads(capsys.readouterr().out)
        assert report["exit_code"] == code
        return report

    return with_json


def kinds(report: dict, section: str = "problems") -> set[str]:
    return {finding["kind"] for finding in report[section]}


def edit(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def cut(path: Path, bytes_left: int) -> None:
    path.write_bytes(path.read_bytes()[:bytes_left])


def bend(path: Path) -> None:
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def resize(path: Path) -> None:
    Image.new("P", (600, 1200)).save(path)


def redraw(path: Path) -> None:
    """Save the picture as other programs do, without its texts."""
    with Image.open(path) as picture:
        picture.copy().save(path, pnginfo=PngInfo())


def exchange(output: Path, one: str, other: str) -> None:
    contents = (output / one).read_bytes(), (output / other).read_bytes()
    (output / other).write_bytes(contents[0])
    (output / one).write_bytes(contents[1])


def picture_of(output: Path, prompt: Prompt, **settings: object) -> None:
    """Replace the picture of the pose of that name by that of another caption or other settings."""
    picture = io.BytesIO()
    Image.new("P", (1200, 1200)).save(picture, "PNG")
    write(output.parent / "other", prompt, picture.getvalue(), **settings)
    shutil.copy(output.parent / "other" / f"{prompt.name}.png", output)


def nested(depth: int) -> dict:
    return {"a": nested(depth - 1)} if depth else {}


def write_npy_header(path: Path, shape: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        file.write(bytes(264))


def zip_npy(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), joints=NAN)
    path.with_suffix(".npz").rename(path)


def rename(output: Path, old: str, new: str) -> None:
    for suffix in (".json", ".png", ".npy"):
        (output / f"{old}{suffix}").rename(output / f"{new}{suffix}")


def list_failure(output: Path) -> None:
    (output / "sitting.json").unlink()
    FailureList(output).append([Failure(SITTING.caption, SITTING.name, "sample", "not finite")])


MISPLACED = "in the way of a file or folder"
BAD_FAILURES = "failures.jsonl cannot be read in full"
NAN = np.full((22, 3), np.nan, np.float32)
DAMAGES: dict[str, tuple[Callable[[Path], object], str, list[Prompt]]] = {
    "PNG missing": (lambda o: (o / "waving.png").unlink(), "missing file of a pose", [WAVING]),
    "NPY missing": (lambda o: (o / "waving.npy").unlink(), "missing file of a pose", [WAVING]),
    "pose missing": (lambda o: [p.unlink() for p in o.glob("waving.*")], "missing pose", [WAVING]),
    "JSON missing": (lambda o: (o / "waving.json").unlink(), "pose file without JSON", [WAVING]),
    "NPY cut": (lambda o: cut(o / "waving.npy", 300), "unreadable NPY", [WAVING]),
    "NPY empty": (lambda o: cut(o / "waving.npy", 0), "unreadable NPY", [WAVING]),
    "NPY of other type": (
        lambda o: np.save(o / "waving.npy", np.zeros((22, 3))), "wrong NPY", [WAVING],
    ),
    "NPY of other shape": (lambda o: (o / "waving.npy").write_bytes(npy_bytes(NAN[:21])), "wrong NPY", [WAVING]),
    "NPY not finite": (lambda o: (o / "waving.npy").write_bytes(npy_bytes(NAN)), "wrong NPY", [WAVING]),
    "JSON cut": (lambda o: cut(o / "waving.json", 500), "unreadable JSON", [WAVING]),
    "JSON with NaN": (
        lambda o: edit(o / "waving.json", lambda d: d["joints"][3].__setitem__(1, float("nan"))),
        "unreadable JSON", [WAVING],
    ),
    "JSON lacks a key": (lambda o: edit(o / "waving.json", lambda d: d.pop("seed")), "wrong JSON", [WAVING]),
    "JSON of 21 joints": (lambda o: edit(o / "waving.json", lambda d: d["joints"].pop()), "wrong JSON", [WAVING]),
    "JSON too large a number": (
        lambda o: edit(o / "waving.json", lambda d: d["joints"][3].__setitem__(1, 1e300)), "wrong JSON", [WAVING],
    ),
    "JSON is not the NPY": (
        lambda o: edit(o / "waving.json", lambda d: d["joints"][3].__setitem__(1, 0.25)),
        "JSON and NPY differ", [WAVING],
    ),
    "PNG cut": (lambda o: cut(o / "waving.png", 20_000), "unreadable PNG", [WAVING]),
    "PNG without its end": (lambda o: cut(o / "waving.png", -12), "unreadable PNG", [WAVING]),
    "PNG without its last byte": (lambda o: cut(o / "waving.png", -1), "unreadable PNG", [WAVING]),
    "PNG without its last checksum": (lambda o: cut(o / "waving.png", -4), "unreadable PNG", [WAVING]),
    "PNG with more behind it": (
        lambda o: (o / "waving.png").write_bytes((o / "waving.png").read_bytes() + b"\0"), "unreadable PNG", [WAVING],
    ),
    "PNG of another pose": (
        lambda o: shutil.copy(o / "sitting.png", o / "waving.png"), "JSON and PNG differ", [WAVING],
    ),
    "PNGs exchanged": (
        lambda o: exchange(o, "waving.png", f"{CHINESE.name}.png"),
        "JSON and PNG differ", [WAVING, CHINESE],
    ),
    "PNG of another seed": (lambda o: picture_of(o, WAVING, seed=2), "JSON and PNG differ", [WAVING]),
    "PNG of another caption": (
        lambda o: picture_of(o, Prompt("waving", "A person waving!")), "JSON and PNG differ", [WAVING],
    ),
    "PNG of another program": (lambda o: redraw(o / "waving.png"), "wrong PNG", [WAVING]),
    "JSON with a byte-order mark": (
        lambda o: (o / "waving.json").write_bytes(b"\xef\xbb\xbf" + (o / "waving.json").read_bytes()),
        "unreadable JSON", [WAVING],
    ),
    "JSON in UTF-16": (
        lambda o: (o / "waving.json").write_text((o / "waving.json").read_text("utf-8"), "utf-16"),
        "unreadable JSON", [WAVING],
    ),
    "JSON nested too deeply": (
        lambda o: (o / "waving.json").write_text('{"sampling": ' * 2000 + "1" + "}" * 2000),
        "unreadable JSON", [WAVING],
    ),
    "JSON with settings nested too deeply": (
        lambda o: edit(o / "waving.json", lambda d: d.update(sampling=nested(300))), "unreadable JSON", [WAVING],
    ),
    "NPY whose header claims terabytes": (
        lambda o: write_npy_header(o / "waving.npy", (2**42, 3)), "unreadable NPY", [WAVING],
    ),
    "NPY whose header claims more than there can be": (
        lambda o: write_npy_header(o / "waving.npy", (2**70, 2**70)), "unreadable NPY", [WAVING],
    ),
    "NPY with bytes after the array": (lambda o: (o / "waving.npy").open("ab").write(b"x"), "wrong NPY", [WAVING]),
    "NPY is a zip": (lambda o: zip_npy(o / "waving.npy"), "unreadable NPY", [WAVING]),
    "PNG with a wrong byte": (lambda o: bend(o / "waving.png"), "unreadable PNG", [WAVING]),
    "PNG of other size": (lambda o: resize(o / "waving.png"), "wrong PNG", [WAVING]),
    "other caption": (
        lambda o: edit(o / "waving.json", lambda d: d.update(caption="A person lying")),
        "caption does not match the name", [WAVING],
    ),
    "other name": (lambda o: rename(o, "waving", "lying"), "wrong JSON", [WAVING]),
    "stray NPY": (lambda o: (o / "lying.npy").write_bytes(npy_bytes(NAN)), "pose file without JSON", []),
    "temporary file": (lambda o: (o / ".waving.json.123").write_text(""), "leftover temporary file", []),
    "staged file": (lambda o: stage(o), "leftover temporary file", []),
    "unknown file": (lambda o: (o / "notes.txt").write_text(""), "unknown file", []),
    "list of captions cut": (
        lambda o: cut(o / "metadata.jsonl", 100), "metadata.jsonl is out of date", [],
    ),
    "list of captions missing": (
        lambda o: (o / "metadata.jsonl").unlink(), "metadata.jsonl is out of date", [],
    ),
    "list of captions nested too deeply": (
        lambda o: (o / "metadata.jsonl").open("a").write("[" * 100_000 + "\n"),
        "metadata.jsonl is out of date", [],
    ),
    "list of captions is a folder": (lambda o: replace_by_folder(o / "metadata.jsonl"), MISPLACED, []),
    "list of failures nested too deeply": (
        lambda o: (o / "failures.jsonl").write_text('{"a": ' * 100_000 + "\n"), BAD_FAILURES, [],
    ),
    "list of failures of other types": (
        lambda o: (o / "failures.jsonl").write_text('null\n[]\n{"caption": 1, "name": [], "stage": 2}\n'),
        BAD_FAILURES, [],
    ),
    "dataset card is a folder": (lambda o: replace_by_folder(o / "README.md"), MISPLACED, []),
    "list of failures is a folder": (lambda o: (o / "failures.jsonl").mkdir(), MISPLACED, []),
    "PNG is a folder": (lambda o: replace_by_folder(o / "waving.png"), MISPLACED, [WAVING]),
    "NPY is a folder": (lambda o: replace_by_folder(o / "waving.npy"), MISPLACED, [WAVING]),
    "JSON is a folder": (lambda o: replace_by_folder(o / "waving.json"), MISPLACED, [WAVING]),
    "pose is folders": (
        lambda o: [replace_by_folder(o / f"waving{suffix}") for suffix in (".json", ".png", ".npy")],
        MISPLACED, [WAVING],
    ),
    "JSON is a FIFO": (lambda o: replace_by(o / "waving.json", os.mkfifo), MISPLACED, [WAVING]),
    "NPY is a FIFO": (lambda o: replace_by(o / "waving.npy", os.mkfifo), MISPLACED, [WAVING]),
    "PNG never ends": (
        lambda o: replace_by(o / "waving.png", lambda path: path.symlink_to("/dev/zero")), MISPLACED, [WAVING],
    ),
    "link to itself": (
        lambda o: replace_by(o / "waving.npy", lambda path: path.symlink_to(path.name)), MISPLACED, [WAVING],
    ),
    "link to nothing": (lambda o: (o / "lying.npy").symlink_to("nothing"), MISPLACED, []),
    "records are a file": (lambda o: replace_records(o, lambda path: path.write_text("")), MISPLACED, []),
    "records are a link": (
        lambda o: replace_records(o, lambda path: path.symlink_to(o.parent, target_is_directory=True)), MISPLACED, [],
    ),
    "removed is a file": (lambda o: (o / RECORDS / "removed").write_text(""), MISPLACED, []),
    "removed is a link": (lambda o: (o / RECORDS / "removed").symlink_to(o.parent), MISPLACED, []),
    "progress is a file": (
        lambda o: replace_by(o / RECORDS / "progress", lambda path: path.write_text("")), MISPLACED, [],
    ),
    "progress is a link": (
        lambda o: replace_by(o / RECORDS / "progress", lambda path: path.symlink_to(o.parent)), MISPLACED, [],
    ),
    "lock is a folder": (lambda o: replace_by_folder(o / RECORDS / "all.lock"), MISPLACED, []),
    "lock of a shard is a folder": (lambda o: replace_by_folder(o / RECORDS / "shard-0-of-3.lock"), MISPLACED, []),
    "lock of a list is a folder": (lambda o: replace_by_folder(o / RECORDS / "metadata.lock"), MISPLACED, []),
    "lock is a link": (
        lambda o: (o / RECORDS / "all.lock").symlink_to(o.parent / "captions.txt"), MISPLACED, [],
    ),
    "lock is a FIFO": (lambda o: os.mkfifo(o / RECORDS / "all.lock"), MISPLACED, []),
    "progress record is a folder": (
        lambda o: replace_by_folder(o / RECORDS / "progress" / "all.json"), MISPLACED, [],
    ),
    "progress record is a list": (lambda o: record(o, "[]"), "record of a run that cannot be read", []),
    "progress record nested too deeply": (
        lambda o: record(o, "[" * 100_000), "record of a run that cannot be read", [],
    ),
    "list of failures is no text": (lambda o: (o / "failures.jsonl").write_bytes(b"\xff"), BAD_FAILURES, []),
    "list of failures is too large": (lambda o: enlarge(o / "failures.jsonl", 2**31), BAD_FAILURES, []),
    "list of reviews is too large": (lambda o: enlarge(o / "reviews.jsonl", 2**31), "reviews.jsonl cannot be read", []),
    "list of captions is too large": (
        lambda o: enlarge(o / "metadata.jsonl", 2**36), "metadata.jsonl is out of date", [],
    ),
    "progress record is too large": (
        lambda o: [record(o, "{}"), enlarge(o / RECORDS / "progress" / "all.json", 2**30)],
        "record of a run that cannot be read", [],
    ),
    "ledger is too large": (
        lambda o: [(o / RECORDS / "done").mkdir(), enlarge(o / RECORDS / "done" / "all.jsonl", 2**34)],
        "ledger that differs from the poses", [],
    ),
    "failure": (list_failure, "failed, not generated since", [SITTING]),
}  # fmt: skip


def enlarge(path: Path, size: int) -> None:
    """Make a file larger than what is read, by a hole that takes no space."""
    with path.open("ab") as file:
        file.truncate(size)


def replace_by(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a file, which is kept beside the output folder."""
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.rename(path.parents[1] / f"kept-{path.name}")
    make(path)


def replace_by_folder(path: Path) -> None:
    replace_by(path, lambda path: (path / "below").mkdir(parents=True))


def replace_records(output: Path, make: Callable[[Path], object]) -> None:
    shutil.rmtree(output / RECORDS)
    make(output / RECORDS)


def record(output: Path, content: str) -> None:
    (output / RECORDS / "progress").mkdir(exist_ok=True)
    (output / RECORDS / "progress" / "all.json").write_text(content)


def stage(output: Path) -> None:
    folder = output / RECORDS / f"{STAGING_PREFIX}all-0123abcd"
    folder.mkdir(parents=True)
    (folder / "waving.npy").write_bytes(b"half")


def contents(output: Path) -> list[bytes]:
    """Of all files but the lists, what is known of them, and locks, wherever they lie."""
    ours = [
        path
        for path in output.rglob("*")
        if os.path.isfile(path) and path.suffix not in (".jsonl", ".lock", ".md") and path.name != "metadata.json"
    ]
    return sorted(path.read_bytes() for path in ours)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_repaired_and_generated_again(output: Path, audit, picture: bytes, name: str) -> None:
    damage, kind, affected = DAMAGES[name]
    damage(output)
    before = contents(output)
    report = audit()
    assert report["exit_code"] == 1
    assert kind in kinds(report)
    assert contents(output) == before
    assert not (output / RECORDS / "removed" / "1").exists()

    report = audit("--repair")
    assert report["exit_code"] == 1
    assert report["repair"]["to_make"] == len(affected)
    assert list(PoseStore(output, ALL).survey(PROMPTS, PROVENANCE).unfinished) == affected
    assert contents(output) == before  # moved, not deleted

    for prompt in affected:  # the generator's next run
        write(output, prompt, picture)
    FailureList(output).remove({(caption, 1) for caption in CAPTIONS})
    rebuild_metadata(PoseStore(output, ALL))
    assert audit()["problems"] == []


def test_an_undamaged_folder_has_no_problems_and_nothing_is_written(output: Path, audit) -> None:
    before = {path: path.stat().st_mtime_ns for path in output.iterdir() if path.is_file()}
    for arguments in ([], ["--repair"]):
        report = audit(*arguments)
        assert (report["exit_code"], report["problems"], report["notes"], report["repair"]) == (0, [], [], None)
        assert report["counts"] == {"asked for": 4, "missing": 0, "there": 4, "damaged": 0, "unknown_words": 0}
        assert "records" in report["disk"]
        assert report["disk"][".npy"] == [4, sum(path.stat().st_size for path in output.glob("*.npy"))]
    assert {path: path.stat().st_mtime_ns for path in output.iterdir() if path.is_file()} == before


def test_two_repairs_set_aside_into_two_folders(output: Path, audit) -> None:
    for number in (1, 2):
        (output / "notes.txt").write_text(str(number))
        audit("--repair")
        assert (output / RECORDS / "removed" / str(number) / "notes.txt").read_text() == str(number)


def test_other_settings_and_unrequested_poses_are_notes(output: Path, audit, picture: bytes) -> None:
    write(output, Prompt("lying", "A person lying"), picture, seed=2, sampling={"cfg": 4.0, "solver": "euler"})
    rebuild_metadata(PoseStore(output, ALL))
    (output / "older").mkdir()
    report = audit()
    assert report["exit_code"] == 0
    found = [(each["kind"], each["where"], each["detail"]) for each in report["notes"]]
    assert found == [
        ("pose that was not requested", "lying.json", "A person lying"),
        ("mixed settings", "4 poses", "seed=1, cfg=2.0"),
        ("mixed settings", "1 pose", "seed=2, cfg=4.0"),
        ("folder that was not audited", "older", ""),
    ]


def test_names_with_a_hash_match_their_captions(tmp_path: Path, picture: bytes) -> None:
    prompts = name_prompts(map(Entry, ["A person waving", "A person waving!", "CON", "!!!", "x" * 300, "x" * 301]))
    store = PoseStore(tmp_path / "poses", ALL)
    store.prepare()
    for prompt in prompts:
        write(store.output, prompt, picture)
    rebuild_metadata(store)
    assert main([str(store.output)]) == 0
    rename(store.output, prompts[1].name, "waving-01234567")
    edit(store.output / "waving-01234567.json", lambda document: document.update(name="waving-01234567"))
    rebuild_metadata(store)
    assert main([str(store.output)]) == 1


def test_unexpected_pictures_are_neither_missed_nor_decoded(output: Path, audit) -> None:
    cut(output / "waving.png", 20_000)
    assert audit("--no-pictures")["exit_code"] == 0
    for path in output.glob("*.png"):
        path.unlink()
    rebuild_metadata(PoseStore(output, (NPY,)))
    assert audit()["exit_code"] == 0  # no run says that there should be any, and there is none


@pytest.mark.parametrize("flags", [[], ["--repair"]])
def test_the_folder_of_an_active_run_is_audited_but_not_repaired(output: Path, audit, capsys, flags: list[str]) -> None:
    Progress("shard-1-of-3", run_folder=str(output.parent), state="running").write(output)
    stage(output)
    (output / "lying.npy").write_text("")
    if not flags:
        report = audit()
        assert kinds(report) == {"pose file without JSON"}  # what is staged is the run's own
        assert report["notes"][-1]["where"].startswith(f"shard-1-of-3, process {os.getpid()} on ")
        return
    with pytest.raises(SystemExit, match="2"):
        main([str(output), *flags])
    assert re.fullmatch(r".*: the run of shard-1-of-3 \(process \d+ on .*\) is active: .*\n", capsys.readouterr().err)
    assert (output / "lying.npy").exists()


def test_a_run_that_has_just_started_is_detected_by_its_lock(output: Path, capsys) -> None:
    (output / "lying.npy").write_text("")
    with FileLock(output / RECORDS / "shard-0-of-3.lock"), pytest.raises(SystemExit, match="2"):
        main([str(output), "--repair"])
    assert "another process is working on shard-0-of-3" in capsys.readouterr().err
    assert (output / "lying.npy").exists()


def test_bad_arguments_end_with_one_line(output: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "diary.txt").write_text("")
    for arguments, words in (
        ([str(tmp_path / "nowhere")], "nowhere: no such folder"),
        ([str(tmp_path / "other" / "diary.txt")], "diary.txt: is not a folder; name the folder that a run wrote"),
        ([str(tmp_path / "other"), "--repair"], "other: no poses and no record of a run; name the folder"),
        ([str(output.parent)], f"no poses and no record of a run; runs wrote to {output}: name one"),
        ([str(output), "--prompts", str(tmp_path / "none.md")], "none.md: no such file; name the list"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        message = capsys.readouterr().err
        assert words in message
        assert message.count("\n") == 1
    assert (tmp_path / "other" / "diary.txt").exists()


def test_an_empty_folder_has_no_table_of_disk_use(tmp_path: Path, capsys) -> None:
    (tmp_path / RECORDS).mkdir()
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("poses: 0 found, 0 damaged\n")
    assert "disk use" not in out


def test_captions_with_unknown_words_are_counted(output: Path, picture: bytes, audit, capsys) -> None:
    joints = np.zeros((22, 3), np.float32)
    pose = Pose(WAVING, joints, 8, 0, unknown_words=("waving",))
    PoseStore(output, ALL).write(pose, picture, PROVENANCE, output.parent)
    rebuild_metadata(PoseStore(output, ALL))
    assert audit()["counts"]["unknown_words"] == 1
    main([str(output), "--no-pictures"])
    assert "captions with words that the model does not know: 1" in capsys.readouterr().out


def test_the_agreement_of_the_poses_is_summed_up(output: Path, picture: bytes, audit, capsys) -> None:
    assert audit()["agreement"] is None
    for prompt, agreement in ((WAVING, 0.25), (MARKUP, 1.0)):
        pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0, agreement=agreement)
        PoseStore(output, ALL).write(pose, picture, PROVENANCE, output.parent)
    assert audit()["agreement"] == {"poses": 2, "mean": 0.625, "below_half": 0.5}
    main([str(output), "--no-pictures"])
    assert "agreement with the captions, measured on 2 poses: mean 0.625, 50.0 % below 0.5\n" in capsys.readouterr().out


def test_the_report_shows_counts_ten_examples_and_escaped_captions(output: Path, capsys) -> None:
    captions = [*CAPTIONS, *(f"A person [red], number {number}" for number in range(12))]
    listed = output / "captions.jsonl"  # the prompt file itself is no stray
    listed.write_text("\n".join(json.dumps({"caption": caption}) for caption in captions))
    edit(output / f"{MARKUP.name}.json", lambda document: document.update(caption="[bold]:smile:[/bold]\x1b[2J"))
    assert main([str(output), "--prompts", str(listed)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "poses: 16 requested, 12 missing, 4 found, 1 damaged"
    assert "missing pose: 12" in lines
    assert "  red_number_0: A person [red], number 0" in lines
    assert "  and 2 more" in lines
    assert f"  {MARKUP.name}.json: [bold]:smile:[/bold]\\x1b[2J" in lines
    assert not any("captions.jsonl" in line for line in lines[2:] if "run again" not in line)
    assert "--repair sets aside damaged and stray files; the next run generates their poses" in lines
    again = f"run again with paths.prompts={listed} and without limit"
    assert f"the command that made these poses, {again}, makes the 12 missing poses" in lines


def test_an_outdated_list_is_rebuilt_and_said_to_be(output: Path, capsys) -> None:
    prompts, aside = str(output.parent / "captions.txt"), "--repair sets aside damaged and stray files"
    cut(output / "metadata.jsonl", 100)
    assert main([str(output), "--prompts", prompts]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "--repair rebuilds metadata.jsonl from the poses"
    assert aside not in said
    (output / "notes.txt").write_text("")
    assert main([str(output), "--prompts", prompts]) == 1
    assert aside in capsys.readouterr().out
    assert main([str(output), "--prompts", prompts, "--repair"]) == 1
    assert "\nrebuilt: metadata.jsonl\n" in capsys.readouterr().out
    assert main([str(output), "--prompts", prompts, "--repair"]) == 0


def test_captions_that_no_run_can_read_are_told_apart_from_missing_poses(output: Path, capsys) -> None:
    captions = [*CAPTIONS, "A person जय", "A person kneeling"]
    (output / "captions.txt").write_text("\n".join(captions))
    FailureList(output).append(
        [Failure(captions[-2], name_prompts([Entry(captions[-2])])[0].name, "text", NO_KNOWN_WORD)]
    )
    assert main([str(output), "--prompts", str(output / "captions.txt"), "--no-pictures"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"the command that made these poses, run again with paths.prompts={output}/captions.txt and without limit, "
        "makes the missing pose",
        "captions without any word that the model knows: 1; no run can make poses of them as they are: use other words",
    ]


def test_no_run_is_said_to_make_poses_of_captions_that_its_model_cannot_read(output: Path, capsys) -> None:
    captions = [*CAPTIONS, "一个人在跑步", "Zxqwv blarg", "A persn kneelng"]
    listed, folder = output.parent / "more.txt", output.parent / "run"
    listed.write_text("\n".join(captions), encoding="utf-8")
    (folder / ".hydra").mkdir(parents=True)
    Progress("all", run_folder=str(folder)).write(output)
    config = {"paths": {"prompts": str(listed)}, "limit": None, "render": {"enabled": True}}
    for name, words in (("embedded", "makes the missing pose"), ("MARDM_SiT_XL", "makes the 3 missing poses")):
        saved = {"config": {**config, "model": {"name": name, "weights": None}}}
        saved["hydra"] = {"hydra": {"runtime": {"cwd": str(folder)}}}
        for file, content in saved.items():
            (folder / ".hydra" / f"{file}.yaml").write_text(json.dumps(content), "utf-8")
        assert main([str(output), "--prompts", str(listed), "--no-pictures"]) == 1
        text = capsys.readouterr().out
        assert f"and without limit, {words}\n" in text
        assert ("captions without any word that the model knows: 2; no run" in text) == (name == "embedded")


def test_a_repair_leaves_to_the_next_run_only_what_it_can_make(output: Path, audit) -> None:
    with (output.parent / "captions.txt").open("a", encoding="utf-8") as file:
        file.write("\nA person जय")
    FailureList(output).append(
        [Failure("A person जय", name_prompts([Entry("A person जय")])[0].name, "text", NO_KNOWN_WORD)]
    )
    (output / "stray.bin").write_bytes(b"")
    report = audit("--repair")
    assert (report["repair"]["moved"], report["repair"]["to_make"]) == (1, 0)


def test_errors_that_a_run_logged_are_counted(output: Path, audit) -> None:
    Progress("all", run_folder=str(output.parent), state="incomplete", exit_code=1).write(output)
    errors = [
        {"time": f"12:00:0{n}", "level": "ERROR", "logger": "a", "message": f"pose {n}", "exception": None}
        for n in "01"
    ]
    (output.parent / "errors.jsonl").write_text("".join(json.dumps(each) + "\n" for each in errors) + "not JSON\n")
    (note,) = audit()["notes"]
    assert note["kind"] == "errors logged by a run"
    assert note["where"] == str(output.parent / "errors.jsonl")
    assert note["detail"] == "2, the last: 12:00:01 pose 1"


def test_what_is_wrong_with_a_file_is_said_without_error_numbers_and_paths(output: Path, audit, capsys) -> None:
    (output / "waving.json").write_bytes(b"\xef\xbb\xbf" + (output / "waving.json").read_bytes())
    (output / "failures.jsonl").write_text("no\nfailures\n")
    record(output, "{}")
    replace_by(output / RECORDS / "progress" / "shard-0-of-2.json", os.mkfifo)
    details = {each["where"]: each["detail"] for each in audit()["problems"]}
    assert details["waving.json"] == "begins with a byte-order mark"
    assert details["failures.jsonl"] == "2 bad lines"
    assert read_progress_records(output)[1][f"{RECORDS}/progress/shard-0-of-2.json"] == "is a FIFO, not a regular file"
    (output / "failures.jsonl").unlink()
    (output / "failures.jsonl").mkdir()
    assert [each["kind"] for each in audit()["problems"] if each["where"] == "failures.jsonl"] == [MISPLACED]
    main([str(output)])
    assert re.search(r"\.npy +4 files +\d\.\d kB\n", capsys.readouterr().out)


def test_repair_keeps_the_failures_that_can_be_read(output: Path, audit) -> None:
    failure = Failure("A person flying", "flying", "sample", "not finite")
    FailureList(output).append([failure])
    with (output / "failures.jsonl").open("ab") as file:
        file.write(b"[" * 50_000 + b"\n\xff\n{}\n")
    audit("--repair")
    assert FailureList(output).read() == [failure]
    assert audit()["problems"] == []


def test_what_cannot_be_moved_is_one_line_that_says_what_to_do(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (output / "notes.txt").write_text("")

    def busy(path: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy", str(path))

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(SystemExit, match="2"):
        main([str(output), "--repair"])
    line = capsys.readouterr().err
    assert re.fullmatch(r"error: .*notes.txt: cannot be moved \(Device or resource busy\): move it out .*\n", line)


def test_prune_sets_aside_what_was_not_requested_and_nothing_else(output: Path, audit, picture: bytes, capsys) -> None:
    for name in ("lying", "dancing"):
        write(output, Prompt(name, f"A person {name}"), picture)
    (output / "notes.txt").write_text("")
    rebuild_metadata(PoseStore(output, ALL))
    main([str(output), "--prompts", str(output.parent / "captions.txt")])
    assert "--prune sets aside what was not requested" in capsys.readouterr().out
    before = contents(output)
    report = audit("--prune")
    assert report["exit_code"] == 1  # of the notes, which a repair would move
    assert report["repair"] == {"folder": str(output / RECORDS / "removed" / "1"), "moved": 6, "to_make": 0}
    assert contents(output) == before
    assert sorted(path.name for path in (output / RECORDS / "removed" / "1").iterdir()) == sorted(
        f"{name}{suffix}" for name in ("lying", "dancing") for suffix in (".json", ".npy", ".png")
    )
    report = audit("--repair", "--prune")
    assert (report["repair"]["moved"], report["notes"]) == (1, [])
    assert audit()["exit_code"] == 0
    assert "lying" not in (output / "metadata.jsonl").read_text("utf-8")


def test_prune_leaves_the_poses_that_only_the_limit_of_a_run_left_out(output: Path, picture: bytes) -> None:
    write_settings(output, CONFIG)
    write(output, Prompt("lying", "A person lying"), picture)
    report = verify(output, prune=True)
    assert report.repair is not None
    assert (report.counts.requested, report.repair.moved) == (3, 3)
    assert not (output / "lying.json").exists()
    assert PoseStore(output, ALL).survey(PROMPTS).finished == tuple(PROMPTS)


def test_nothing_is_pruned_where_the_requested_captions_are_unknown(output: Path, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(output), "--prune"])
    assert "there is no record of a run; name the captions with --prompts" in capsys.readouterr().err
    assert (output / "waving.json").exists()


CONFIG = "paths: {prompts: captions.txt}\nlimit: 3\nrender: {enabled: true}\n"
ALIAS_BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else '1'}]\n" for n in range(30))
INTERPOLATION_BOMB = "".join(f"a{n}: ${{a{n + 1}}}${{a{n + 1}}}\n" for n in range(40)) + "a40: ab\n"


def write_settings(output: Path, config: str | bytes, cwd: str | None = None) -> None:
    folder = output.parent / "run" / ".hydra"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_bytes(config if isinstance(config, bytes) else config.encode())
    (folder / "hydra.yaml").write_text(f"hydra: {{runtime: {{cwd: {cwd or output.parent}}}}}")
    Progress("all", run_folder=str(folder.parent), state="finished", exit_code=0).write(output)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG.replace("3", "'3'"),
        CONFIG.replace("3", "-1"),
        CONFIG.replace("3", "0"),
        CONFIG.replace("3", "true"),
        CONFIG.replace("3", "1.5"),
        CONFIG.replace("3", "[3]"),
        CONFIG.replace("captions.txt", "[a]"),
        CONFIG.replace("captions.txt", "7"),
        CONFIG.replace("captions.txt", "~nobody-of-that-name/a.txt"),
        CONFIG.replace("captions.txt", '"a\\0b"'),
        CONFIG.replace("captions.txt", "/dev/zero"),
        CONFIG.replace("captions.txt", "${a0}") + INTERPOLATION_BOMB,
        CONFIG.replace("captions.txt", "${paths.prompts}"),
        CONFIG.replace("captions.txt", "${nothing}"),
        CONFIG.replace("captions.txt", "${oc.env:NO_SUCH_VARIABLE}"),
        CONFIG.replace("captions.txt", "${oc.create:{a: 1}}"),
        CONFIG.replace("paths", "path"),
        CONFIG.replace("limit", "limits"),
        CONFIG + ALIAS_BOMB,
        "*a",
        "[" * 100_000,
        "- a",
        "",
        "\0",
        "!!python/object/apply:os.system ['touch run-by-yaml']",
        b"\xff",
        "a: " + "x" * 2_000_000,
    ],
    ids=lambda config: config[:60],
)
def test_tampered_settings_of_a_run_leave_the_captions_unknown(output: Path, capsys, config: str | bytes) -> None:
    write_settings(output, config)
    assert main([str(output)]) == 0
    said = capsys.readouterr().out
    assert "requested captions: unknown: " in said
    assert "4 found, 0 damaged" in said
    assert main([str(output), "--prompts", str(output.parent / "captions.txt")]) == 0
    read_by_default = "captions.txt, read with default settings, as the settings of the newest run cannot be read: "
    unread = "unknown: the settings of the newest run cannot be read: " in said  # rather than the list that they name
    assert (read_by_default in capsys.readouterr().out) == unread
    assert not Path("run-by-yaml").exists()


def test_saved_settings_may_name_other_settings_and_the_environment(
    output: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTIONS", str(output.parent))
    config = CONFIG.replace("captions.txt", "'${oc.env:CAPTIONS}/${list.name}.txt'").replace("3", "4")
    write_settings(output, config + "list: {name: captions}\n", "/nowhere")
    assert main([str(output)]) == 0
    assert "captions.txt, by the newest run with limit=4" in capsys.readouterr().out


@pytest.mark.e2e
def test_damage_to_a_real_run_is_found_set_aside_and_generated_again(tmp_path: Path, run: Run, capsys) -> None:
    (tmp_path / "captions.txt").write_text("\n".join([*CAPTIONS, "A person beyond the limit"]), encoding="utf-8")
    output, generate = tmp_path / "SinglePose", ("paths.prompts=captions.txt", "limit=4")
    assert run(*generate).returncode == 0
    assert main([str(output)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("poses: 4 requested, 0 missing, 4 found, 0 damaged\n")
    assert "captions.txt, by the newest run with limit=4" in said

    whole = sorted(path.name for path in output.iterdir())
    untouched = (output / f"{MARKUP.name}.json").stat().st_mtime_ns
    (output / f"{WAVING.name}.png").unlink()
    cut(output / f"{SITTING.name}.npy", 200)
    edit(output / f"{CHINESE.name}.json", lambda document: document.update(caption="A person lying"))
    (output / ".sitting.npy.77").write_text("")
    assert main([str(output)]) == 1
    assert main([str(output), "--repair"]) == 1
    assert "poses that the next run generates: 3" in capsys.readouterr().out

    again = run(*generate)
    assert again.returncode == 0, again.stderr
    assert "3 poses to make" in again.stderr
    assert main([str(output)]) == 0
    assert sorted(path.name for path in output.iterdir()) == whole
    assert (output / f"{MARKUP.name}.json").stat().st_mtime_ns == untouched

    shutil.rmtree(tmp_path / "outputs")
    capsys.readouterr()
    assert main([str(output)]) == 0
    assert "requested captions: unknown" in capsys.readouterr().out


def test_runs_on_other_machines_are_noted(output: Path, audit, tmp_path: Path) -> None:
    queue = tmp_path / "queue.json"
    jobs = [SweepJob(f"shard-{number}-of-3", 0, 1, "none", "none", "none", number) for number in range(3)]
    SweepRecord("sweep", tuple(jobs), queue_file=str(queue)).write(output)
    write_queue(
        queue, {number: QueuedJob("queued" if number == 2 else "running", f"7_{number}") for number in range(3)}
    )
    for number, seconds_ago in enumerate((0, 300)):
        shard = f"shard-{number}-of-3"
        Progress(shard, "none", state="running", host="node2", pid=5, job=f"7_{number}").write(output)
        written = time.time() - seconds_ago
        os.utime(output / ".mardm_batch" / "progress" / f"{shard}.json", (written, written))
    notes = [(each["kind"].partition(" ")[0], each["where"], each["detail"]) for each in audit()["notes"]]
    assert ("active", "shard-0-of-3, process 5 on node2 (job 7_0)", "") in notes
    assert ("active", "shard-2-of-3, queued as job 7_2", "") in notes
    assert ("run", "shard-1-of-3", "process 5 on node2 (job 7_1), last record 0:05:00 ago") in notes
