"""The colours of the pictures, for formats that show the figure."""

from collections.abc import Mapping

from mardm_batch.render.theme import Theme

Colour = tuple[float, float, float]


def default_look() -> Theme:
    """The look of the pictures that the settings have by default."""
    from omegaconf import OmegaConf

    from mardm_batch.config.compose import compose_config
    from mardm_batch.registries import register_schemas

    register_schemas()
    look = OmegaConf.to_object(compose_config([]).render)
    assert isinstance(look, Theme)
    return look


def part_colours() -> Mapping[str, Colour]:
    """Red, green and blue from 0 to 1 (sRGB) of each part of the mannequin."""
    from mardm_batch.render.renderer import tones

    look = default_look()
    colours = {name: look.colour(name) for name in ("left", "right", "spine", "torso")}
    colours["face"] = tones(colours["spine"])["face"]
    return {name: (float(colour[0]), float(colour[1]), float(colour[2])) for name, colour in colours.items()}
