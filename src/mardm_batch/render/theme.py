"""Settings of renderers, which make them. matplotlib is imported only then."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.config.schema import Allowed, Settings, number, out_of_range, setting

TORSO_TINT: Final = 0.62
"""Share of the floor's colour in the torso's; the rest is the spine's."""


class Renderer(ABC):
    """Draws poses one after the other; there is one for each process."""

    @abstractmethod
    def draw(self, joints: NDArray[np.floating[Any]], caption: str) -> bytes:
        """PNG of joints (22, 3) with their caption: metres, Y up, floor at y = 0, facing +Z, pelvis over the origin."""

    def draw_several(self, joints: Sequence[NDArray[np.floating[Any]]], captions: Sequence[str]) -> Iterator[bytes]:
        """The same for each of several poses, in their order; a renderer may do a part of it for all at once."""
        return map(self.draw, joints, captions)


@dataclass
class RenderSettings(Settings, ABC):
    """Settings that make a renderer. They go to the processes that draw, which make one each."""

    SECTION: ClassVar[str] = "render"

    enabled: bool = setting("false: no pictures, and none expected")

    @abstractmethod
    def renderer(self) -> Renderer:
        """A renderer that draws as the settings say."""

    def view_renderers(self) -> Mapping[int, Renderer]:
        """Renderers of further pictures by the degrees around the person; none unless there is a setting for them."""
        return {}


@dataclass
class Theme(RenderSettings):
    """The mannequin of capsules on a floor. Colours are what matplotlib reads as one, best `#rrggbb`."""

    azimuth: float = setting(
        "camera around the person in degrees; 0 in front, 90 at the person's left", number(-180, 180)
    )
    views: list[int] | None = setting(
        "further pictures from so many degrees around the person, NAME@045.png and so on; [0,90] is front and left",
        Allowed(
            "null or a list of different whole numbers from 0 to 359",
            lambda views: len(set(views)) == len(views) and all(0 <= each < 360 for each in views),
        ),
    )
    elevation: float = setting("camera above the horizontal in degrees", number(0, 80))
    background: str = setting("colour behind the person")
    floor: str = setting("colour of the floor, which fades into the background")
    grid: str = setting("colour of the floor's lines")
    ink: str = setting("colour of the caption and the legend")
    left: str = setting("colour of the left side of the body")
    right: str = setting("colour of the right side of the body")
    spine: str = setting("colour of the spine and head; the torso is a lighter tint of it")
    legend: bool = setting("name the colours of the sides in a corner")

    COLOURS: ClassVar = ("background", "floor", "grid", "ink", "left", "right", "spine")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.COLOURS:
            if not is_colour(value := getattr(self, name)):
                raise out_of_range(self.key(name), value, "a colour, such as '#1a74b8'")

    def renderer(self) -> Renderer:
        """See `RenderSettings.renderer`."""
        from mardm_batch.render.renderer import PoseRenderer

        return PoseRenderer(self)

    def view_renderers(self) -> Mapping[int, Renderer]:
        """See `RenderSettings.view_renderers`."""
        azimuths = {each: float(each if each <= 180 else each - 360) for each in self.views or ()}
        return {each: replace(self, azimuth=azimuth, views=None).renderer() for each, azimuth in azimuths.items()}

    def colour(self, name: str) -> NDArray[np.float64]:
        """Red, green and blue (3,) from 0 to 1; `torso` too has one."""
        if name == "torso":
            spine, floor = self.colour("spine"), self.colour("floor")
            return spine + (floor - spine) * TORSO_TINT
        from matplotlib.colors import to_rgb

        return np.array(to_rgb(getattr(self, name)))


def is_colour(text: str) -> bool:
    """Whether matplotlib reads a text as a colour. The usual form is checked without importing it."""
    if re.fullmatch("#[0-9a-fA-F]{6}", text):
        return True
    from matplotlib.colors import is_color_like

    return bool(is_color_like(text))
