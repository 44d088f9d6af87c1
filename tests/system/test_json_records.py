"""JSON is decoded strictly."""

import pytest

from mardm_batch.system.json_records import MAX_DEPTH, parse_json


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"),
        b"{\xff}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b'{"a": ' * 900 + b"1" + b"}" * 900,
        b"1" * 5000,
        b"",
    ],
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


def test_wide_documents_are_no_deep_ones() -> None:
    assert len(parse_json(b"[" + b"[[1]]," * 1000 + b"{}]")) == 1001
