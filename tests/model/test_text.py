"""CLIP's text tower as the published models use it, on a small random CLIP that the real classes built."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.support import write_tokenizer

from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.model.text import CLIP_TOKENS, CachedTextEncoder, ClipTextEncoder

CAPTIONS = ["a person sits", "a person raises both arms above the head and leans to the left", "坐", ""]
EMBEDDING = 12


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole CLIP, text and image tower, in the layout of openai/clip-vit-base-patch32."""
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    folder = tmp_path_factory.mktemp("clip")
    vocabulary = write_tokenizer(folder)
    CLIPTokenizer.from_pretrained(str(folder)).save_pretrained(str(folder))
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        "vocab_size": vocabulary,
        "projection_dim": EMBEDDING,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
    }
    image = {"image_size": 32, "patch_size": 16}
    torch.manual_seed(0)
    config = CLIPConfig(text_config=tower | text, vision_config=tower | image, projection_dim=EMBEDDING)
    clip = CLIPModel(config)
    for parameter in clip.parameters():  # as initialised, captions hardly differ
        torch.nn.init.normal_(parameter, std=0.3)
    clip.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def encoder(clip_folder: Path) -> ClipTextEncoder:
    return ClipTextEncoder.load(str(clip_folder))


def test_embedding_is_that_of_the_whole_clip_and_not_normalised(encoder: ClipTextEncoder, clip_folder: Path) -> None:
    from transformers import AutoTokenizer, CLIPModel

    clip = CLIPModel.from_pretrained(str(clip_folder)).eval()
    tokens = AutoTokenizer.from_pretrained(str(clip_folder))(CAPTIONS, padding=True, return_tensors="pt")
    with torch.no_grad():
        pooled = clip.text_model(**tokens).pooler_output
        expected = clip.text_projection(pooled)
    found = encoder.encode(CAPTIONS)
    assert encoder.size == EMBEDDING
    assert found.shape == (len(CAPTIONS), EMBEDDING)
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert (found.norm(dim=1) - 1).abs().max() > 0.1
    assert (found[0] - found[1]).abs().max() > 0.1


def test_cutting_what_follows_the_longest_caption_changes_nothing(encoder: ClipTextEncoder, clip_folder: Path) -> None:
    from transformers import AutoTokenizer, CLIPTextModelWithProjection

    model = CLIPTextModelWithProjection.from_pretrained(str(clip_folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(clip_folder))
    padded = tokenizer(CAPTIONS, padding="max_length", max_length=CLIP_TOKENS, return_tensors="pt")
    assert padded["input_ids"].shape == (len(CAPTIONS), CLIP_TOKENS)
    with torch.no_grad():
        full_length = model(**padded).text_embeds
    assert torch.allclose(encoder.encode(CAPTIONS), full_length, rtol=1e-5, atol=1e-5)


def test_embedding_does_not_depend_on_the_other_captions(encoder: ClipTextEncoder) -> None:
    together = encoder.encode(CAPTIONS)
    alone = torch.cat([encoder.encode([caption]) for caption in CAPTIONS])
    assert torch.allclose(together, alone, rtol=1e-5, atol=1e-5)


def test_equal_captions_are_computed_once_and_like_lengths_together(
    encoder: ClipTextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.model.text._CAPTIONS_AT_ONCE", 2)
    seen = []
    hook = encoder._model.register_forward_pre_hook(
        lambda _, args, inputs: seen.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    captions = ["sits", "a person sits and sits and sits", "sits", "sits sits", "a person sits and sits", "sits"]
    found = encoder.encode(captions)
    hook.remove()
    assert [rows for rows, _ in seen] == [2, 2]
    assert seen[0][1] < seen[1][1]
    assert torch.allclose(found, torch.cat([encoder.encode([caption]) for caption in captions]), rtol=1e-5, atol=1e-5)


class CountingEncoder:
    """Counts what it is asked for."""

    size = 3

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, captions: list[str]) -> torch.Tensor:
        self.asked += captions
        return torch.tensor([[len(caption), hash(caption) % 1000, 0.5] for caption in captions])


def test_a_job_that_goes_on_finds_its_embeddings(tmp_path: Path) -> None:
    file = tmp_path / "captions.safetensors"
    first, second = CountingEncoder(), CountingEncoder()
    encoder = CachedTextEncoder(first, file)
    encoder.fill(CAPTIONS)
    assert first.asked == CAPTIONS
    expected = encoder.encode(CAPTIONS)
    again = CachedTextEncoder(second, file)
    again.fill([*CAPTIONS[2:], "one more"])
    assert second.asked == ["one more"]
    assert torch.equal(again.encode(CAPTIONS[2:]), expected[2:])
    assert torch.equal(again.encode(["one more", "one more"]), CountingEncoder().encode(["one more", "one more"]))
    assert list(tmp_path.iterdir()) == [file]
    again.clear()
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"not a safetensors file", b"\xff" * 100])
def test_a_damaged_file_of_embeddings_counts_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "captions.safetensors"
    file.write_bytes(content)
    counting = CountingEncoder()
    encoder = CachedTextEncoder(counting, file)
    encoder.fill(CAPTIONS)
    assert counting.asked == CAPTIONS
    assert torch.equal(encoder.encode(CAPTIONS), CountingEncoder().encode(CAPTIONS))


def test_caption_beyond_77_tokens_is_cut(encoder: ClipTextEncoder) -> None:
    words = [f"w{number}" for number in range(100)]
    found = encoder.encode([" ".join(words), " ".join(words[:90])])
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("name", ["/no/such/folder", "no-such/model"])
def test_absent_encoder_is_not_downloaded_but_named(name: str) -> None:
    with pytest.raises(InputError, match="cannot load a CLIP text encoder") as caught:
        ClipTextEncoder.load(name)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_folder_without_weights_is_refused(clip_folder: Path, tmp_path: Path) -> None:
    for file in clip_folder.glob("*.json"):
        shutil.copy(file, tmp_path)
    with pytest.raises(InputError, match="cannot load a CLIP text encoder"):
        ClipTextEncoder.load(str(tmp_path))


def test_weights_of_another_network_are_refused_rather_than_made_up(clip_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(clip_folder, tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="text_projection.weight"):
        ClipTextEncoder.load(str(tmp_path))


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigurationError, match=r"mardm-batch\[clip\]"):
        ClipTextEncoder.load("openai/clip-vit-base-patch32")


def test_importing_the_model_room_imports_nothing_slow_and_no_room_above_it() -> None:
    code = (
        "import sys, pkgutil, importlib, mardm_batch.model as room\n"
        "for each in pkgutil.iter_modules(room.__path__): importlib.import_module(f'{room.__name__}.{each.name}')\n"
        "print({'transformers', 'huggingface_hub', 'scipy', 'mardm_batch.config.schema'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
