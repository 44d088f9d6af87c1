"""A page of one figure that can be turned, for where others show pages."""

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pages.page import FIGURE_SCRIPTS, FOLDER, Page, script_json

PAGE: Final = Page(FOLDER / "figure.html.jinja", (FOLDER / "figure.css",), (*FIGURE_SCRIPTS, FOLDER / "turn.js"))
DECIMALS: Final = 4
"""Of metres."""


def render_figure(joints: NDArray[np.floating[Any]], caption: str) -> str:
    """The page of a pose (22, 3) in metres, Y up, facing +Z; it holds all that it needs."""
    values = np.round(joints.astype(np.float64), DECIMALS).ravel().tolist()
    return PAGE.render(caption=caption, joints=script_json(json.dumps(values)))
