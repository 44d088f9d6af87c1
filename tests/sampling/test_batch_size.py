"""The batch grows while poses come faster, and never beyond what fits."""

from mardm_batch.sampling.batch_size import BatchSize


def sizes(batch_size: BatchSize, seconds: dict[int, float]) -> list[int]:
    """The sizes of ten batches that take so long each."""
    found = []
    for _ in range(10):
        found.append(batch_size.current)
        batch_size.record(batch_size.current, seconds[batch_size.current])
    return found


def test_it_doubles_up_to_the_largest_while_that_pays() -> None:
    assert sizes(BatchSize(8, 48), {8: 1.0, 16: 1.1, 32: 1.2, 48: 1.3}) == [8, 16, 32] + [48] * 7


def test_it_goes_back_to_the_size_before_where_more_is_not_faster() -> None:
    assert sizes(BatchSize(8, 256), {8: 1.0, 16: 1.5, 32: 2.9}) == [8, 16, 32] + [16] * 7


def test_a_known_size_stays() -> None:
    assert sizes(BatchSize(4, 4), {4: 1.0}) == [4] * 10


def test_it_never_passes_what_did_not_fit() -> None:
    batch_size = BatchSize(8, 256)
    batch_size.record(8, 1.0)
    batch_size.limit(10)
    assert sizes(batch_size, {10: 0.1}) == [10] * 10


def test_a_batch_that_is_not_whole_tells_nothing() -> None:
    batch_size = BatchSize(8, 256)
    batch_size.record(3, 0.001)
    assert batch_size.current == 8
