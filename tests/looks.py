"""Looks of pictures for the tests that draw. No torch here: processes that draw do without it."""

from omegaconf import OmegaConf

from mardm_batch.config.compose import compose_config
from mardm_batch.registries import register_schemas
from mardm_batch.render.theme import Theme


def theme(name: str = "default", **settings: object) -> Theme:
    """A look of `conf/render/` with some other settings."""
    register_schemas()
    words = [f"render={name}", *(f"render.{key}={value}" for key, value in settings.items())]
    look = compose_config(words).render
    made = OmegaConf.to_object(look)
    assert isinstance(made, Theme)
    return made
