"""The settings of the models: what they say where a model cannot be loaded."""

import pytest
from tests.support import NoText

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.model.text import ClipTextEncoder
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.models.published import PublishedSettings

register_schemas()


def published(*words: str) -> PublishedSettings:
    settings = to_config(compose_config(["model=mardm_sit_xl", *words])).model
    assert isinstance(settings, PublishedSettings)
    return settings


@pytest.mark.parametrize("name", ["/no/such/folder", "no-such/model"])
def test_an_absent_text_encoder_is_named_with_the_way_to_get_it(name: str) -> None:
    with pytest.raises(InputError, match="model.download=true") as caught:
        published(f"model.text_encoder={name}").load_text_encoder("cpu", 512)
    assert str(caught.value).startswith(f"model.text_encoder={name}: ")
    assert "\n" not in str(caught.value)


def test_a_text_encoder_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = NoText()
    encoder.size = 768
    monkeypatch.setattr(ClipTextEncoder, "load", lambda *_: encoder)
    with pytest.raises(InputError, match="model.text_encoder=.*768.*512"):
        published().load_text_encoder("cpu", 512)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["model=acmdm_flow_s", "+preset=fast"], "sampling.time_steps=10: must be null"),
        (["model=acmdm_flow_s", "sampling.sequence_length=36"], "sampling.sequence_length=36: must be at least 40"),
        (["model=acmdm_flow_s", "model.network.patch=3"], "model.network.patch=3: must be 1, 2, 11 or 22"),
        (["model=acmdm_flow_s", "model.network.width=100"], "model.network.width=100: must be a multiple of 64"),
        (["model=mardm_sit_xl", "sampling.time_steps=null"], "sampling.time_steps=null: must be a whole number"),
        (["sampling.time_steps=null"], "sampling.time_steps=null: must be a whole number"),
        (["model=mardm_sit_xl", "model.checkpoint_file=../latest.tar"], "must be the name of a file"),
    ],
)
def test_sampling_settings_that_do_not_suit_a_model_are_refused(words: list[str], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        to_config(compose_config(words))
    assert named in str(caught.value)


def test_acmdm_has_a_length_of_its_own() -> None:
    config = to_config(compose_config(["model=acmdm_flow_s"]))
    assert (config.sampling.sequence_length, config.sampling.time_steps, config.sampling.cfg) == (40, None, 3.0)
    assert config.sampling.chosen_frame == 20
