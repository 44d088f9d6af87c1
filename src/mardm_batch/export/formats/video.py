"""Video: the clip of a pose as an animated GIF or as MP4 (H.264), drawn as the pictures are."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from mardm_batch.export.colours import default_look
from mardm_batch.export.formats.format import Encoded, ExportOptions, FilesPerPose
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND

if TYPE_CHECKING:
    from mardm_batch.render.renderer import PoseRenderer

SIZE: Final = 480
"""Width and height in pixels; even, as H.264 wants it."""
COLOURS: Final = 128
"""Of a GIF."""
QUALITY: Final = "20"
"""Constant rate factor of H.264: 0 is lossless, 23 usual."""
CONTAINERS: Final[Mapping[str, Mapping[str, str]]] = {"gif": {}, "mp4": {"av": "video"}}


class Video(FilesPerPose):
    """One file a pose."""

    NAME = "video"
    SUMMARY = "the whole clip, drawn as the pictures are (NAME.gif or NAME.mp4), to look at and to show"
    TAKES_CLIPS = NEEDS_CLIPS = True
    CONTAINERS = CONTAINERS

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
        return (f"{name}.{self.options.container}",)

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """See `FilesPerPose.encode`."""
        from mardm_batch.render.renderer import PoseRenderer

        self.renderer = self.renderer or PoseRenderer(self.look)
        encode = mp4_file if self.options.container == "mp4" else gif_file
        for pose in poses:
            yield Encoded((encode(map(small, self.renderer.draw_clip(pose.frames, pose.caption))),))


def small(picture: bytes) -> Image.Image:
    """A PNG in the size that the video has."""
    with Image.open(io.BytesIO(picture), formats=("PNG",)) as opened:
        return opened.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS, reducing_gap=2.0)


def gif_file(frames: Iterator[Image.Image]) -> bytes:
    """Frames as an animation that repeats."""
    first, *others = (frame.quantize(COLOURS, dither=Image.Dither.NONE) for frame in frames)
    content = io.BytesIO()
    first.save(
        content,
        "GIF",
        save_all=True,
        append_images=others,
        duration=1000 // FRAMES_PER_SECOND,
        loop=0,
        optimize=False,
    )
    return content.getvalue()


def mp4_file(frames: Iterator[Image.Image]) -> bytes:
    """Frames as H.264 in the pixel format that every player shows; by one thread, so that the bytes are the same."""
    import av

    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": QUALITY, "threads": "1"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), "rgb24")))
        container.mux(stream.encode())
    return content.getvalue()
