"""WebDataset: tar files of samples that are read one after the other, for training from large or remote disks."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mardm_batch.dataset.formats.npy_file import npy_bytes
from mardm_batch.dataset.records import UNITS
from mardm_batch.export.card import write_export_card
from mardm_batch.export.formats.format import Archive, ExportTotals
from mardm_batch.export.poses import ExportPose
from mardm_batch.system.files import replacing

DATA_FILES: Final = "poses-*.tar"


class WebDataset(Archive):
    """`poses-000000.tar` and so on; a sample is the files of one pose, under its name."""

    NAME = "webdataset"
    SUMMARY = (
        "tars of 1,000 samples (poses-000000.tar …) with a card: caption .txt, joints .npy, .json, .png, for training"
    )
    TAKES_CLIPS = True
    POSES_PER_FILE = 1000

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "txt": "the caption",
            "npy": f"float32 (22, 3): {UNITS}",
            "json": "caption, joints, provenance, and the columns of the prompt file under source",
            "png": "the picture, where one was drawn",
            **({"clip.npy": "float32 (frames, 22, 3), 20 frames a second"} if self.options.clips else {}),
        }

    def file_names(self, number: int) -> Sequence[str]:
        """See `Archive.file_names`."""
        return (f"poses-{number:06d}.tar",)

    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """See `Archive.write`."""
        count = 0
        with replacing(folder / self.file_names(number)[0]) as path, tarfile.open(path, "w") as tar:
            for pose in poses:
                count += 1
                for suffix, content in sample(pose).items():
                    entry = tarfile.TarInfo(f"{pose.name}.{suffix}")
                    entry.size, entry.mode = len(content), 0o644
                    tar.addfile(entry, io.BytesIO(content))
        return count

    def finish(self, folder: Path, totals: ExportTotals) -> None:
        """See `ExportFormat.finish`."""
        write_export_card(folder, DATA_FILES, {}, totals)


def sample(pose: ExportPose) -> dict[str, bytes]:
    """The files of a pose by their suffixes."""
    document = json.dumps(pose.document.to_json(), ensure_ascii=False, allow_nan=False)
    files = {"txt": pose.caption.encode(), "json": document.encode(), "npy": npy_bytes(pose.document.joints)}
    if pose.clip is not None:
        files["clip.npy"] = npy_bytes(pose.clip)
    picture = pose.picture()
    return files if picture is None else {**files, "png": picture}
