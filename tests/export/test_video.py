"""A video has every frame of the clip, drawn as the pictures are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mardm_batch.export.__main__ import main


def test_a_clip_is_drawn_frame_by_frame(finished: Path) -> None:
    clip = np.load(finished / "in_pose_3.npy") + np.linspace(0, 1, 5)[:, None, None] * np.array([0, 0, 1.0])
    np.save(finished / "in_pose_3.clip.npy", clip.astype(np.float32))
    for path in [each for each in finished.glob("*.json") if each.stem != "in_pose_3"]:
        path.unlink()
    assert main([str(finished), "--to", "video"]) == 0
    with Image.open(finished.with_name("poses_video") / "in_pose_3.gif") as video:
        assert (video.size, video.n_frames, video.info["duration"]) == ((480, 480), 5, 50)
        frames = []
        for number in range(5):
            video.seek(number)
            frames.append(np.asarray(video.convert("RGB")).astype(int))
    assert all(np.abs(one - other).max() > 100 for one, other in zip(frames, frames[1:], strict=False))
    assert np.abs(frames[0][:40] - frames[4][:40]).mean() < 1  # the camera does not move


def test_a_video_needs_a_clip(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "video"])
    assert "runs with output.clip=true keep clips" in capsys.readouterr().err


def test_a_clip_is_an_mp4_that_players_show(finished: Path) -> None:
    av = pytest.importorskip("av")
    clip = np.load(finished / "in_pose_3.npy") + np.linspace(0, 1, 5)[:, None, None] * np.array([0, 0, 1.0])
    np.save(finished / "in_pose_3.clip.npy", clip.astype(np.float32))
    for path in [each for each in finished.glob("*.json") if each.stem != "in_pose_3"]:
        path.unlink()
    pictures = []
    for container in ("mp4", "gif"):
        folder = finished.with_name(container)
        assert main([str(finished), "--to", "video", "--container", container, "--output", str(folder)]) == 0
        with av.open(str(folder / f"in_pose_3.{container}")) as video:
            stream = video.streams.video[0]
            frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
            assert (stream.average_rate, len(frames), frames[0].shape) == (20, 5, (480, 480, 3))
            if container == "mp4":
                assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        pictures.append(np.stack(frames).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 3  # of 255
    written = (finished.with_name("mp4") / "in_pose_3.mp4").read_bytes()
    again = finished.with_name("again")
    assert main([str(finished), "--to", "video", "--container", "mp4", "--output", str(again)]) == 0
    assert (again / "in_pose_3.mp4").read_bytes() == written


def test_what_an_mp4_needs_is_one_line(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mardm_batch.export.formats.registry.find_spec", lambda package: None)
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "video", "--container", "mp4"])
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith("--to video --container mp4: needs av; pip install 'mardm-batch[video]'")
    )
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "bvh", "--container", "mp4"])
    assert "--container: bvh is no video; use --to video" in capsys.readouterr().err
