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
    assert "clips are kept with output.clip=true" in capsys.readouterr().err
