"""Shards partition the prompt list, and each gets a visible device."""

import pytest

from mardm_batch.errors import ConfigurationError
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.shards import shard_of, shards_overlap
from mardm_batch.sampling.device import shard_device

PROMPTS = tuple(Prompt(f"pose_{index}", f"pose {index}") for index in range(11))


def test_without_a_shard_the_whole_list_is_selected():
    assert shard_of(PROMPTS, None, 3) == PROMPTS


@pytest.mark.parametrize("num_shards", [1, 2, 3, 11, 20])
def test_the_shards_partition_the_list(num_shards: int):
    shards = [shard_of(PROMPTS, shard, num_shards) for shard in range(num_shards)]
    assert sorted(prompt.name for shard in shards for prompt in shard) == sorted(p.name for p in PROMPTS)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_takes_every_nth_prompt_in_order():
    assert [prompt.name for prompt in shard_of(PROMPTS, 1, 3)] == ["pose_1", "pose_4", "pose_7", "pose_10"]


def test_shards_overlap_exactly_when_they_may_share_a_prompt():
    splits = [(shard, num_shards) for num_shards in range(1, 7) for shard in range(num_shards)]
    for shard, num_shards in splits:
        for other, num_others in splits:
            shared = set(range(shard, 60, num_shards)) & set(range(other, 60, num_others))
            assert shards_overlap(shard, num_shards, other, num_others) == bool(shared)


def test_the_whole_list_overlaps_with_every_shard():
    assert shards_overlap(None, 3, 2, 3)
    assert shards_overlap(2, 3, None, 5)
    assert shards_overlap(None, 3, None, 5)


def test_without_gpus_the_device_is_the_cpu():
    assert shard_device(None, None, visible=0) == "cpu"
    assert shard_device(2, None, visible=0) == "cpu"


def test_without_gpu_ids_shards_take_the_visible_gpus_in_turn():
    assert [shard_device(shard, None, visible=2) for shard in (None, 0, 1, 2)] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cuda:0",
    ]


def test_shards_take_the_gpu_ids_in_turn():
    assert [shard_device(shard, [1, 2, 3], visible=4) for shard in (None, 0, 1, 2, 3)] == [
        "cuda:1",
        "cuda:1",
        "cuda:2",
        "cuda:3",
        "cuda:1",
    ]


@pytest.mark.parametrize(
    ("gpu_ids", "visible", "parts"),
    [
        ([7], 0, ["gpu_ids=[7]: there is no GPU 7", "none is visible"]),
        ([0, 7], 2, ["gpu_ids=[0,7]: there is no GPU 7", "visible are 0,1"]),
        ([-1], 2, ["gpu_ids=[-1]: there is no GPU -1"]),
        ([], 2, ["gpu_ids=[]: no GPU is listed"]),
        ([], 0, ["gpu_ids=[]: no GPU is listed"]),
    ],
)
def test_an_invisible_gpu_is_reported_in_one_line(gpu_ids: list[int], visible: int, parts: list[str]):
    with pytest.raises(ConfigurationError) as caught:
        shard_device(0, gpu_ids, visible)
    message = str(caught.value)
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []
