"""Lengths of clips by the prompt list: what `caption#120` means where clips are kept, and in a resumed run."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support import Run, write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import InputError
from mardm_batch.registries import register_schemas
from mardm_batch.run.reading import read_run_prompts
from mardm_batch.verify.__main__ import main as verify

register_schemas()

LISTED = ["A person arms raised#24", "A person sitting#NA", "A person standing#10", "A person raised sitting#24"]
FRAMES = {"arms_raised": 24, "sitting": 8, "standing": 8, "raised_sitting": 24}


def test_a_listed_length_is_that_of_the_clip_and_of_the_resumed_one(run: Run, tmp_path: Path, capsys) -> None:
    words = ("render.enabled=false", "+preset=fast", "sampling.time_steps=2", "output.clip=true", "paths.output=moving")
    made = run(write_captions(tmp_path, LISTED), *words)
    assert made.returncode == 0, made.stderr
    assert "the length after # of 4 of 4 captions is that of the clip, 1 rounded down to a multiple of 4" in made.stderr
    moving, before = tmp_path / "moving", {}
    for name, frames in FRAMES.items():
        clip, document = np.load(moving / f"{name}.clip.npy"), json.loads((moving / f"{name}.json").read_text())
        assert clip.shape == (frames, 22, 3)
        assert (document["sampling"]["sequence_length"], document["frame_index"]) == (frames, frames // 2)
        assert "#" not in document["caption"]
        before[name] = clip
    (moving / "arms_raised.json").unlink()  # as if the run had been killed
    again = run(write_captions(tmp_path, LISTED), *words)
    assert again.returncode == 0, again.stderr
    assert "3 of 4 poses are finished already" in again.stderr
    for name, clip in before.items():
        np.testing.assert_allclose(np.load(moving / f"{name}.clip.npy"), clip, atol=1e-4)
    longer = run(write_captions(tmp_path, ["A person arms raised#28", *LISTED[1:]]), *words)
    assert longer.returncode == 2
    assert "1 of 4 finished poses were made otherwise" in longer.stderr
    assert "sequence_length: the folder's 24, this command's 28" in longer.stderr
    write_captions(tmp_path, LISTED)
    assert verify([str(moving)]) == 0
    np.save(moving / "arms_raised.clip.npy", before["arms_raised"][:20])
    assert verify([str(moving)]) == 1
    assert "has 20 frames, not 24" in capsys.readouterr().out


def listed_frames(folder: Path, captions: list[str], *words: str) -> list[int | None]:
    path = folder / "captions.txt"
    path.write_text("\n".join(captions))
    return [
        prompt.frames
        for prompt in read_run_prompts(to_config(compose_config([f"paths.prompts={path}", *words]))).prompts
    ]


def test_lengths_are_read_only_where_clips_are_kept(tmp_path: Path) -> None:
    assert listed_frames(tmp_path, LISTED, "output.clip=true") == [24, None, 8, 24]
    assert listed_frames(tmp_path, [*LISTED, "A person lying#999"]) == [None] * 5
    assert listed_frames(tmp_path, ["64 walks", "60 a person sits", "196 kicks"], "output.clip=true") == [64, 60, 196]
    further = listed_frames(tmp_path, LISTED[:1], "output.clip=true", "poses_per_caption=3")
    assert further == [24, 24, 24]


@pytest.mark.parametrize(
    ("length", "words", "expected"),
    [
        ("200", (), "sampling.sequence_length=200: must be a multiple of 4 from 4 to 196"),
        ("3", (), "sampling.sequence_length=0: must be"),
        ("12", ("sampling.frame_index=20", "sampling.sequence_length=32"), "sampling.frame_index=20: must be"),
        ("36", ("model=acmdm_flow_s",), "at least 40"),
    ],
)
def test_a_length_that_no_clip_has_is_one_line(tmp_path: Path, length: str, words, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        listed_frames(tmp_path, ["A person kicking#44", f"A person sitting#{length}"], "output.clip=true", *words)
    assert f"captions.txt: the length of 'A person sitting': {expected}" in str(refused.value) or (
        expected in str(refused.value) and "'A person sitting'" in str(refused.value)
    )
    assert "\n" not in str(refused.value)
