"""The settings of the models: what they say where a model cannot be loaded."""

import pytest
from tests.support import NoText

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import InputError
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
        published(f"model.text_encoder={name}").load_text_encoder("cpu")
    assert str(caught.value).startswith(f"model.text_encoder={name}: ")
    assert "\n" not in str(caught.value)


def test_a_text_encoder_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = NoText()
    encoder.size = 768
    monkeypatch.setattr(ClipTextEncoder, "load", lambda *_: encoder)
    with pytest.raises(InputError, match="model.text_encoder=.*768.*512"):
        published().load_text_encoder("cpu")
