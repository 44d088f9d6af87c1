"""Joints to pictures. Never torch, never files. Adding a renderer is a module here and a file in `conf/render/`."""

from typing import Final

from mardm_batch.config.registry import Registry
from mardm_batch.render.theme import Theme

RENDERERS: Final = Registry("render", {"mannequin": Theme})
