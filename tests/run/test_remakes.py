"""What a run says of the poses that it made again because a review had rejected those before."""

from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.reviews import Review, ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.remakes import describe_remade, log_remade, remade_poses

PROVENANCE = Provenance("embedded", 1, 8, {}, "0123", "float32")


def test_only_poses_made_again_and_not_reviewed_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = PoseStore(tmp_path / "poses", (NPY,))
    store.prepare()
    (tmp_path / "staging").mkdir()
    prompts = [Prompt(name, f"A person {name}") for name in ("kept", "rejected", "low", "high", "silent", "failed")]

    def write(prompt: Prompt, rejections: int, agreement: float | None) -> None:
        pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0, rejections=rejections, agreement=agreement)
        store.write(pose, None, PROVENANCE, tmp_path / "staging")

    reviews = ReviewList(store.output)
    reviews.append(Review(prompt.name, "reject") for prompt in prompts[1:])
    for prompt, agreement in zip(prompts, (0.1, 0.2, 0.4, 0.9, None, 0.3), strict=True):
        write(prompt, int(prompt.name in ("low", "high", "silent")), agreement)
    assert remade_poses(prompts, store) == {"low": 0.4, "high": 0.9, "silent": None}
    with caplog.at_level("INFO"):
        log_remade(prompts, store, 0.8)
        log_remade(prompts, store, None)
        log_remade(prompts[:2], store, 0.8)
    first, second = caplog.messages
    words = "3 poses made again and not reviewed yet; 1 still agrees less than {} (1 cannot be measured): low (0.40)"
    assert (first, second) == (words.format(0.8), words.format(0.5))


def test_the_worst_are_named_first_and_few() -> None:
    low = {f"pose_{number}": number / 100 for number in range(9)}
    assert describe_remade({**low, "good": 0.9}, 0.8) == (
        "10 poses made again and not reviewed yet; 9 still agree less than 0.8: pose_0 (0.00), pose_1 (0.01), "
        "pose_2 (0.02), pose_3 (0.03), pose_4 (0.04) and 4 more"
    )
    assert describe_remade({"good": 0.9}, 0.8) == (
        "1 pose made again and not reviewed yet; none agrees less than 0.8 with its caption"
    )
    assert describe_remade({"silent": None}, 0.8) == (
        "1 pose made again and not reviewed yet; how well captions are met cannot be measured"
    )
