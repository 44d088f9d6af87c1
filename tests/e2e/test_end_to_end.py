"""The command as users run it, in processes of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import Run, assert_whole, run_in_process, wait_until, write_captions

from mardm_batch.sampling.models.embedded import PACKAGED

CAPTIONS = [f"A person with both arms raised, number {number}" for number in range(40)]


def joints_in(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mardm_batch", "tracking.mode=disabled", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_captions_become_poses_and_a_second_run_has_nothing_to_do(tmp_path: Path, run: Run) -> None:
    captions = [
        "A person arching back",
        "A person 一个人站着",
        "../../etc/passwd a",
        "<script>a(1)</script> $x^2$",
        "A person CON",
    ]
    prompts = write_captions(tmp_path, captions)
    first = run(prompts, "+preset=fast")
    assert first.returncode == 0, first.stderr
    assert "5 of 5 poses are finished" in first.stderr
    assert_whole(tmp_path / "SinglePose", captions)
    assert not (tmp_path / "SinglePose_temp").exists()
    document = json.loads((tmp_path / "SinglePose" / "arching_back.json").read_text())
    assert document["sampling"]["sequence_length"] == 8
    assert document["frame_index"] == 4
    files = [path for suffix in ("png", "npy", "json") for path in (tmp_path / "SinglePose").glob(f"*.{suffix}")]
    before = [path.stat().st_mtime_ns for path in files]

    second = run(prompts, "+preset=fast")
    assert second.returncode == 0
    assert "nothing to do: all 5 poses are finished" in second.stderr
    assert [path.stat().st_mtime_ns for path in files] == before


def test_the_log_file_of_a_run_holds_what_was_said(tmp_path: Path, run: Run) -> None:
    run(write_captions(tmp_path, CAPTIONS[:2]), "render.enabled=false")
    (log,) = tmp_path.glob("outputs/*/*/mardm_batch.log")
    assert "2 of 2 poses are finished" in log.read_text()
    assert not list((tmp_path / "SinglePose").glob("*.png"))


def test_words_that_the_model_does_not_know_are_named_and_counted(tmp_path: Path, run: Run) -> None:
    captions = ["arms raised", "arms raised like a pterodactyl", "sitting, Pterodactyl <b>", "坐"]
    prompts, output = write_captions(tmp_path, captions), tmp_path / "SinglePose"
    result = run(prompts, "render.enabled=false")
    assert result.returncode == 1, result.stderr  # no word of the last caption is known
    assert "does not know these words" in result.stderr
    assert "pterodactyl" in result.stderr
    assert "captions with words that the model does not know: 2" in result.stderr
    assert "(text): no word of the caption is known to the model" in result.stderr
    (file,) = tmp_path.glob("outputs/*/*/summary.json")
    summary = json.loads(file.read_text())
    assert summary["unknown_words"]["pterodactyl"] == 2
    assert "raised" not in summary["unknown_words"]
    assert summary["captions_with_unknown_words"] == 3
    documents = {document["caption"]: document for document in map(read_document, output.glob("*.json"))}
    assert {caption: document["unknown_words"] for caption, document in documents.items()} == {
        captions[0]: [],
        captions[1]: ["like", "pterodactyl"],
        captions[2]: ["Pterodactyl", "b"],
    }
    again = run(prompts, "render.enabled=false", "retry=failed", "unknown_words=fail")
    assert again.returncode == 1
    assert "0 of 1 pose is finished" in again.stderr


def test_a_caption_with_an_unknown_word_can_be_made_a_failure(tmp_path: Path, run: Run) -> None:
    captions = ["arms raised", "arms raised like a pterodactyl"]
    prompts = write_captions(tmp_path, captions)
    result = run(prompts, "render.enabled=false", "unknown_words=fail")
    assert result.returncode == 1
    assert "(text): the model does not know: like, pterodactyl (unknown_words=fail)" in result.stderr
    assert "1 of 2 poses are finished" in result.stderr
    assert "; 1 is missing" in result.stderr
    assert run(prompts, "render.enabled=false", "retry=failed").returncode == 0
    assert (tmp_path / "SinglePose" / "failures.jsonl").read_bytes() == b""


def test_limit_takes_the_first_captions_into_another_folder(tmp_path: Path, run: Run) -> None:
    result = run(write_captions(tmp_path, CAPTIONS), "limit=10", "paths.output=quick", "render.enabled=false")
    assert result.returncode == 0, result.stderr
    documents = [json.loads(path.read_text()) for path in (tmp_path / "quick").glob("*.json")]
    assert sorted(document["caption"] for document in documents) == sorted(CAPTIONS[:10])


def read_document(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_poses_made_with_other_settings_are_kept_or_made_again_by_the_users_word(tmp_path: Path, run: Run) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:2])
    run(prompts, "render.enabled=false")
    before = joints_in(tmp_path / "SinglePose")
    result = run(prompts, "render.enabled=false", "seed=1")
    refused(
        result,
        "paths.output=SinglePose: 2 of 2 finished poses were made otherwise "
        "(seed: the folder's 3407, this command's 1)",
    )
    refused(result, "existing=keep", "existing=overwrite", "another paths.output")
    kept = run(write_captions(tmp_path, CAPTIONS[:3]), "render.enabled=false", "seed=1", "existing=keep")
    assert kept.returncode == 0, kept.stderr
    assert "finished poses of other settings or weights that are kept: 2" in kept.stderr
    assert len(joints_in(tmp_path / "SinglePose")) == 3
    assert all(
        np.array_equal(joints, before[name])
        for name, joints in joints_in(tmp_path / "SinglePose").items()
        if name in before
    )
    prompts = write_captions(tmp_path, CAPTIONS[:2])
    result = run(prompts, "render.enabled=false", "seed=1", "existing=error")
    assert result.returncode == 2
    assert "existing=error: 2 of 2 poses are finished" in result.stderr
    other = run(prompts, "render.enabled=false", "sampling.precision=bfloat16")
    refused(other, "precision: the folder's float32, this command's bfloat16")
    result = run(prompts, "render.enabled=false", "seed=1", "existing=overwrite")
    assert result.returncode == 0
    after = joints_in(tmp_path / "SinglePose")
    assert not any(np.array_equal(joints, after[name]) for name, joints in before.items())


def test_poses_made_with_other_weights_are_counted_though_nothing_is_to_do(tmp_path: Path, run: Run) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:2])
    shutil.copy(PACKAGED, tmp_path / "mine.safetensors")
    run(prompts, "render.enabled=false", "model.weights=mine.safetensors")
    again = run(prompts, "render.enabled=false", "model.weights=mine.safetensors")
    assert "nothing to do" in again.stderr
    assert "other settings" not in again.stderr
    content = bytearray(PACKAGED.read_bytes())
    content[-1] ^= 1
    (tmp_path / "mine.safetensors").write_bytes(content)
    changed = run(prompts, "render.enabled=false", "model.weights=mine.safetensors")
    refused(changed, "2 of 2 finished poses were made otherwise (weights_sha256: the folder's ")
    published = run_in_process(
        prompts, "model=mardm_sit_xl", "render.enabled=false", cwd=tmp_path
    )  # its files are missing
    refused(published, "model: the folder's embedded, this command's MARDM_SiT_XL")


def test_an_unreadable_list_of_failures_is_no_failure(tmp_path: Path, run: Run) -> None:
    (tmp_path / "SinglePose").mkdir()
    lines = b'\xff\xfe broken\n{"caption": ["a"], "name": "a", "stage": "draw", "error": "b"}\n'
    (tmp_path / "SinglePose" / "failures.jsonl").write_bytes(lines)
    result = run(write_captions(tmp_path, CAPTIONS[:2]), "render.enabled=false")
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / "SinglePose" / "metadata.jsonl").read_text().splitlines()) == 2


def test_a_pose_of_another_caption_is_not_replaced_where_existing_is_an_error(tmp_path: Path, run: Run) -> None:
    run(write_captions(tmp_path, ["A person waving!"]), "render.enabled=false")
    (before,) = joints_in(tmp_path / "SinglePose").values()
    result = run(write_captions(tmp_path, ["A person waving"]), "render.enabled=false", "existing=error")
    refused(result, "existing=error: poses of other captions that have the same names in SinglePose: 1")
    (after,) = joints_in(tmp_path / "SinglePose").values()
    assert np.array_equal(before, after)


# The same poses, however the work is divided ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 captions as one shard, by the model that ships with the package."""
    folder = tmp_path_factory.mktemp("reference")
    write_captions(folder, CAPTIONS)
    process = start("paths.prompts=captions.txt", "sampling.batch_size=16", cwd=folder)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert_whole(folder / "SinglePose", CAPTIONS)
    return folder / "SinglePose"


def assert_same_poses(folder: Path, reference: Path) -> None:
    assert_whole(folder, CAPTIONS)
    expected, found = joints_in(reference), joints_in(folder)
    assert found.keys() == expected.keys()
    assert max(np.abs(found[name] - expected[name]).max() for name in expected) < 1e-4


def test_three_shards_make_the_same_poses(tmp_path: Path, reference: Path) -> None:
    prompts = write_captions(tmp_path, CAPTIONS)
    shards = [start(prompts, f"shard={shard}", cwd=tmp_path) for shard in range(3)]
    for shard in shards:
        _, errors = shard.communicate(timeout=300)
        assert shard.returncode == 0, errors
    assert_same_poses(tmp_path / "SinglePose", reference)
    assert not (tmp_path / "SinglePose_temp").exists()


def test_single_poses_killed_half_way_and_run_again_are_the_same(tmp_path: Path, reference: Path) -> None:
    prompts, output = write_captions(tmp_path, CAPTIONS), tmp_path / "SinglePose"
    process = start(prompts, "sampling.batch_size=1", cwd=tmp_path)
    wait_until(lambda: len(list(output.glob("*.json"))) >= 5)
    process.kill()
    process.communicate()
    finished = {path: path.stat().st_mtime_ns for path in output.glob("*.json")}
    assert 5 <= len(finished) < len(CAPTIONS)
    time.sleep(1.5)  # a worker finishes the pose in its hands
    finished = {path: path.stat().st_mtime_ns for path in output.glob("*.json")}
    process = start(prompts, "sampling.batch_size=1", cwd=tmp_path)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert f"{len(finished)} of 40 poses are finished already" in errors
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert_same_poses(output, reference)
    assert not (tmp_path / "SinglePose_temp").exists()


# Interruptions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_whole_files_and_its_exit_code(
    tmp_path: Path, tiny_weights: Path, number: int, code: int
) -> None:
    prompts, output = (
        write_captions(tmp_path, CAPTIONS + [f"{each} again" for each in CAPTIONS]),
        tmp_path / "poses",
    )
    process = start(
        prompts, f"model.weights={tiny_weights}", "sampling.batch_size=1", "paths.output=poses", cwd=tmp_path
    )
    wait_until(lambda: len(list(output.glob("*.json"))) >= 3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == code, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    names = {path.stem for path in output.glob("*.json")}
    assert 3 <= len(names) < 80
    assert {path.stem for path in output.glob("*.npy")} == names
    assert {path.stem for path in output.glob("*.png")} == names
    assert f"{len(names)} of 80 poses are finished" in errors  # those too that were being written
    assert not (tmp_path / "SinglePose_temp").exists()


def test_a_run_outlives_the_reader_of_its_messages(tmp_path: Path, tiny_weights: Path) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:4])
    process = start(prompts, f"model.weights={tiny_weights}", "hydra.run.dir=log", "render.enabled=false", cwd=tmp_path)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(120) == 0
    assert len(list((tmp_path / "SinglePose").glob("*.json"))) == 4
    assert len((tmp_path / "SinglePose" / "metadata.jsonl").read_text().splitlines()) == 4
    assert "4 of 4 poses are finished" in next((tmp_path / "log").glob("*.log")).read_text()


def test_a_second_process_on_the_same_shard_says_so_and_stops(tmp_path: Path, tiny_weights: Path, run: Run) -> None:
    prompts = write_captions(tmp_path, CAPTIONS)
    first = start(prompts, f"model.weights={tiny_weights}", "shard=1", "sampling.batch_size=1", cwd=tmp_path)
    wait_until(lambda: bool(list((tmp_path / "SinglePose").glob("*.json"))))
    os.kill(first.pid, signal.SIGSTOP)  # in the midst of its poses, where it holds no lock of a list
    try:
        second = run(prompts)
        assert second.returncode == 2, second.stderr
        assert "another process is working on shard-1-of-3" in second.stderr
        other = run(prompts, "shard=0", "render.enabled=false")
        assert other.returncode == 0, other.stderr
    finally:
        os.kill(first.pid, signal.SIGCONT)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors


def test_a_full_disk_ends_the_run_with_one_clear_line_and_no_partial_file(tmp_path: Path, run: Run) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        arguments = (write_captions(tmp_path, CAPTIONS), f"paths.output={disk}/poses", f"paths.temp={disk}/temp")
        result = run(*arguments)
        assert result.returncode == 1, result.stderr
        assert len([line for line in result.stderr.splitlines() if "the disk of" in line]) == 1
        assert "Traceback" not in result.stderr
        names = {path.stem for path in (disk / "poses").glob("*.json")}
        assert 0 < len(names) < 40
        for name in names:
            assert np.load(disk / "poses" / f"{name}.npy").shape == (22, 3)
            with Image.open(disk / "poses" / f"{name}.png") as picture:
                picture.load()
        assert not (disk / "temp").exists()
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        assert_whole(disk / "poses", CAPTIONS)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# Bad input ----------------------------------------------------------------------------------------------------------


def refused(result: "subprocess.CompletedProcess[str]", *words: str) -> None:
    lines = result.stderr.splitlines()
    assert result.returncode == 2, result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


def test_a_missing_prompt_file_is_refused(run_apart: Run) -> None:
    refused(run_apart("paths.prompts=nowhere.md"), "nowhere.md", "no such file")


def test_an_empty_prompt_file_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty.md").write_text("")
    refused(run("paths.prompts=empty.md"), "empty.md", "empty")


def test_a_prompt_file_that_is_not_utf_8_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "latin.txt").write_bytes("A person\nau café".encode("latin-1"))
    refused(run("paths.prompts=latin.txt"), "latin.txt:2", "UTF-8")


def test_a_prompt_file_without_captions_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "headings.md").write_text("# Only\n\n## headings\n")
    refused(run("paths.prompts=headings.md"), "headings.md", "no caption")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("sampling.batch_size=0", ["sampling.batch_size=0", "at least 1"]),
        ("sampling.sequence_length=10", ["sampling.sequence_length=10", "multiple of 4"]),
        ("shard=3", ["shard=3", "0 to 2"]),
    ],
)
def test_a_setting_out_of_range_is_refused(run: Run, setting: str, words: list[str]) -> None:
    refused(run(setting), *words)


def test_a_gpu_that_is_not_there_is_refused(run: Run) -> None:
    refused(run("gpu_ids=[7]", CUDA_VISIBLE_DEVICES=""), "gpu_ids=[7]: there is no GPU 7: none is visible")


def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    refused(run("paths.output=file/poses"), "paths.output=file/poses")


def test_a_truncated_weights_file_is_refused(tmp_path: Path, tiny_weights: Path, run: Run) -> None:
    (tmp_path / "cut.safetensors").write_bytes(tiny_weights.read_bytes()[:2000])
    refused(run("model.weights=cut.safetensors"), "model.weights=cut.safetensors")
    assert not (tmp_path / "SinglePose_temp").exists()


def test_exactly_the_rejected_poses_are_made_again_with_other_noise(tmp_path: Path, run: Run) -> None:
    words, output = (write_captions(tmp_path, CAPTIONS[:3]), "render.enabled=false"), tmp_path / "SinglePose"
    run(*words)
    before = {document["name"]: document for document in map(read_document, output.glob("*.json"))}
    first, second, _ = sorted(before)
    lines = [{"name": first, "verdict": "accept"}, {"name": second, "verdict": "reject"}]
    (output / "reviews.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    otherwise = run(*words, "retry=rejected", "sampling.cfg=2.5")
    refused(otherwise, "existing=keep makes the rejected again with the settings of this run, and leaves the others")
    result = run(*words, "retry=rejected")
    assert result.returncode == 0, result.stderr
    assert re.search(r"1 of 1 pose is made again in .*; of the whole list 3 of 3 poses are finished", result.stderr)
    assert "1 pose made again and not reviewed yet; " in result.stderr
    after = {document["name"]: document for document in map(read_document, output.glob("*.json"))}
    assert [name for name in before if before[name] != after[name]] == [second]
    assert after[second]["rejections"] == 1
    nothing = run(*words, "retry=rejected").stderr  # the new pose is not reviewed
    assert "nothing to do: no rejected pose is left to make; of the whole list 3 of 3 poses are finished" in nothing
    joints = joints_in(output)
    run(*words, "existing=overwrite")
    for name, drawn_anew in joints_in(output).items():
        assert np.allclose(drawn_anew, joints[name], atol=1e-4)
