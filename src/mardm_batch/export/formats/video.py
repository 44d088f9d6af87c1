"""Video: the clip of a pose as an animated GIF, drawn as the pictures are."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from mardm_batch.export.colours import default_look
from mardm_batch.export.formats.format import ExportOptions, FilesPerPose
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND

if TYPE_CHECKING:
    from mardm_batch.render.renderer import PoseRenderer

SIZE: Final = 480
"""Width and height in pixels."""
COLOURS: Final = 128


class Video(FilesPerPose):
    """One file a pose."""

    NAME = "video"
    SUMMARY = "the whole clip, drawn as the pictures are (NAME.gif), to look at and to show"
    TAKES_CLIPS = NEEDS_CLIPS = True

    def __init__(self, options: ExportOptions) -> None:
        super().__init__(options)
        self.look = default_look()
        self.renderer: PoseRenderer | None = None
        """Made where it draws: each process needs its own."""

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {"frames_per_second": FRAMES_PER_SECOND, "size": [SIZE, SIZE]}

    def file_names(self, name: str) -> Sequence[str]:
        """See `FilesPerPose.file_names`."""
        return (f"{name}.gif",)

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Sequence[bytes]]:
        """See `FilesPerPose.encode`."""
        from mardm_batch.render.renderer import PoseRenderer

        self.renderer = self.renderer or PoseRenderer(self.look)
        for pose in poses:
            frames = [small(picture) for picture in self.renderer.draw_clip(pose.frames, pose.caption)]
            content = io.BytesIO()
            frames[0].save(
                content,
                "GIF",
                save_all=True,
                append_images=frames[1:],
                duration=1000 // FRAMES_PER_SECOND,
                loop=0,
                optimize=False,
            )
            yield (content.getvalue(),)


def small(picture: bytes) -> Image.Image:
    """A PNG in the size and with as many colours as the video has."""
    with Image.open(io.BytesIO(picture), formats=("PNG",)) as opened:
        resized = opened.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return resized.quantize(COLOURS, dither=Image.Dither.NONE)
