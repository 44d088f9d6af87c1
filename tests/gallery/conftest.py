"""A folder of poses with pictures, captions and columns of all kinds, and a gallery that serves it."""

import io
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.gallery.index import PoseIndex
from mardm_batch.gallery.page import open_folders
from mardm_batch.library.posing import pose as pose_body
from mardm_batch.pose.geometry import Joints
from mardm_batch.prompts.names import Prompt, name_prompts
from mardm_batch.prompts.prompt_file import Entry

HOSTILE = (
    "<script>document.title = 'run'</script> sits",
    "\"'><img src=x onerror=\"document.title = 'run'\"> stands",
    "</script><svg onload=\"document.title = 'run'\"> walks",
    "A person {{ 7 * 7 }} ${7 * 7} \u2028 &lt;b&gt;",
)
SCRIPTS = ("رجل يقف ويرفع يديه", "一个人坐在椅子上", "A person standing 👨‍👩‍👧‍👦 tall", "A person " + "verylong" * 30)
PLAIN = tuple(f"A person in pose {number}" for number in range(40))
STANDING = pose_body({}).astype(np.float32)
CAPTIONS = (*HOSTILE, *SCRIPTS, *PLAIN)
PROVENANCE = Provenance("embedded", 3407, 8, {"cfg": 4.0}, "0123abcd" * 8, "float32")


class Writer:
    """Writes poses into a folder, as a run does."""

    def __init__(self, output: Path) -> None:
        self.store = PoseStore(output, (PNG, NPY))
        self.store.prepare()
        self.staging = output.parent / f"{output.name}_temp"
        self.staging.mkdir()
        content = io.BytesIO()
        Image.new("RGB", (60, 60), "red").save(content, "PNG")
        self.picture = content.getvalue()

    def into(self, output: Path) -> None:
        """Go on in another folder."""
        self.store = PoseStore(output, (PNG, NPY))

    def write(
        self,
        prompt: Prompt,
        joints: Joints,
        rejections: int = 0,
        words: tuple[str, ...] = (),
        agreement: float | None = None,
    ) -> None:
        pose = Pose(
            prompt, joints.astype(np.float32), 8, 0, agreement=agreement, unknown_words=words, rejections=rejections
        )
        self.store.write(pose, self.picture, PROVENANCE, self.staging)


def random_joints(seed: int) -> Joints:
    """A person who stands, each a little differently."""
    return STANDING + np.random.default_rng(seed).normal(scale=0.02, size=(22, 3)).astype(np.float32)


def prompts() -> list[Prompt]:
    return list(name_prompts([Entry(caption, {"set": f"part {len(caption) % 3}"}) for caption in CAPTIONS]))


def fill(output: Path) -> Path:
    """Poses of CAPTIONS. The last has bones twice as long, and the model does not know a word of the last two."""
    writer = Writer(output)
    for number, prompt in enumerate(prompts()):
        joints = random_joints(number) * (2 if number == len(CAPTIONS) - 1 else 1)
        writer.write(prompt, joints, words=("pose",) if number >= len(CAPTIONS) - 2 else ())
    return output


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("filled") / "poses")


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """Poses of CAPTIONS in a folder of the test's own."""
    return Path(shutil.copytree(filled, tmp_path / "poses"))


@pytest.fixture(scope="module")
def serve() -> Callable[..., str]:
    """Serves folders; returns the page's address."""
    from mardm_batch.gallery.server import serve as serve_index

    def start(*outputs: Path) -> str:
        addresses: list[str] = []
        started = threading.Event()

        def announce(address: str) -> None:
            addresses.append(address)
            started.set()

        index = PoseIndex(open_folders(outputs))
        threading.Thread(target=serve_index, args=(index, 0, announce), daemon=True).start()
        assert started.wait(30)
        return addresses[0]

    return start
