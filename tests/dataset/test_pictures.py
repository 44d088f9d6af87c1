"""Pictures say which pose they are of, and are otherwise the bytes that the renderer drew."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from mardm_batch.dataset.formats.format import PoseContent
from mardm_batch.dataset.formats.png_file import HEADER_BYTES, PNG, read_texts
from mardm_batch.dataset.records import Pose, PoseDocument, Provenance
from mardm_batch.prompts.names import Prompt


def encoded(prompt: Prompt) -> tuple[bytes, bytes]:
    """A picture as it is drawn, and as it is written."""
    drawn = io.BytesIO()
    Image.new("P", (8, 8)).save(drawn, "PNG", dpi=(150, 150))
    pose = Pose(prompt, np.zeros((22, 3), np.float32), 0, 0)
    document = PoseDocument.of(pose, Provenance("embedded", 3407, 8, {}))
    return drawn.getvalue(), PNG.encode(PoseContent(pose, document, drawn.getvalue()))


@pytest.mark.parametrize(
    "prompt",
    [Prompt("waving", "A person waving"), Prompt("坐着的人", "坐着的人"), Prompt("café", "A person in a café")],
)
def test_a_picture_has_name_caption_and_seed_as_texts(prompt: Prompt) -> None:
    drawn, written = encoded(prompt)
    caption = hashlib.sha256(prompt.caption.encode()).hexdigest()
    expected = {"name": prompt.name, "caption_sha256": caption, "seed": "3407"}
    with Image.open(io.BytesIO(written)) as picture:
        assert picture.text == expected
    assert read_texts(written) == expected
    texts = len(written) - len(drawn)
    assert written[:HEADER_BYTES] + written[HEADER_BYTES + texts :] == drawn
    assert encoded(prompt)[1] == written
