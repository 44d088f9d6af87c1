"""CLIP's text as OpenAI's program reads it, with the real vocabulary, and OpenAI's own file of weights."""

import copy
import gzip
import random
import zipfile
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from mardm_batch.errors import InputError
from mardm_batch.model import clip_file
from mardm_batch.model.clip_text import clean_caption
from mardm_batch.model.text import CLIP_TOKENS, ClipTextEncoder
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts

OPENAI = Path(
    next(iter((find_spec("clip") or pytest.skip("no openai-clip", allow_module_level=True)).submodule_search_locations))
)

DECORATIONS = [
    lambda caption, _: caption.replace("person", "person’s friend"),
    lambda caption, _: f"“{caption}” — ‘slowly’…",
    lambda caption, _: caption.replace(" ", "&nbsp;", 2).replace("a ", "&amp;amp; &quot;a&quot; ", 1),
    lambda caption, _: caption + " &amp;lt;3 &#39;so&#39; &eacute; e&#769;",
    lambda caption, _: caption.replace("fl", "ﬂ").replace("ff", "ﬀ") + " ﬁnally oﬃce",
    lambda caption, _: (
        caption[:9] + "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else "　" for each in caption[9:])
    ),
    lambda caption, _: caption + " 🧘🏽‍♀️ 🤸 ❤️",
    lambda caption, _: " ".join([caption] * 12),
    lambda caption, _: caption.upper().replace(" ", " \t\n "),
    lambda caption, _: caption.replace("a", "Ã¡", 1) + " cafÃ© naïve İstanbul ΣΑΣ",
    lambda caption, rng: caption + " " + "".join(chr(rng.randrange(0xA1, 0x2FFF)) for _ in range(12)),
    lambda caption, rng: caption + f" {rng.random():.4f} m/s 3'4\" it's we'll they'd",
    lambda caption, _: f"\u200b{caption}\ufeff 人が座る 坐下 앉다 جلس",
    lambda caption, _: caption + " don`t ´stop´ ½ ² ™ ﹣ ￡",
]


@pytest.fixture(scope="module")
def openai_tokenizer() -> ModuleType:
    """OpenAI's tokeniser, without the rest of its package, which needs torchvision."""
    spec = spec_from_file_location("openai_simple_tokenizer", OPENAI / "simple_tokenizer.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SimpleTokenizer()


def captions() -> list[str]:
    rng = random.Random(0)
    plain = [prompt.caption for prompt in read_prompts(bundled_prompts()).prompts]
    decorated = [DECORATIONS[number % len(DECORATIONS)](rng.choice(plain), rng) for number in range(500)]
    return [*plain[:20], "", "A person’s left hand raised", "<|endoftext|>", *decorated]


def test_tokens_are_those_of_the_published_program(openai_tokenizer: ModuleType) -> None:
    import transformers

    tokenizer = clip_file._load_tokenizer(OPENAI / clip_file.VOCABULARY_FILE, transformers)
    begin, end = openai_tokenizer.encoder["<|startoftext|>"], openai_tokenizer.encoder["<|endoftext|>"]
    assert (begin, end) == (49406, 49407)
    for caption in captions():
        expected = [begin, *openai_tokenizer.encode(caption), end]
        if len(expected) > CLIP_TOKENS:
            expected = [*expected[: CLIP_TOKENS - 1], end]
        found = tokenizer(clean_caption(caption), truncation=True, max_length=CLIP_TOKENS)["input_ids"]
        assert found == expected, ascii(caption)


@pytest.mark.parametrize(
    ("caption", "cleaned"),
    [
        ("A person’s left hand raised", "a person's left hand raised"),
        ("  “sits”\t\ndown ", '"sits" down'),
        ("ﬂat &amp;amp; wide", "flat & wide"),
        ("ａｒｍｓ　ｕｐ", "arms up"),
    ],
)
def test_captions_are_cleaned(caption: str, cleaned: str) -> None:
    assert clean_caption(caption) == cleaned


class Block(nn.Module):
    """One block under OpenAI's names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, 1)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Module()
        self.mlp.c_fc, self.mlp.c_proj = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.full((len(x), len(x)), -torch.inf).triu(1)
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        hidden = self.mlp.c_fc(self.ln_2(x))
        return x + self.mlp.c_proj(hidden * torch.sigmoid(1.702 * hidden))


class Clip(nn.Module):
    """A small CLIP under OpenAI's names; its text tower alone computes."""

    def __init__(self, width: int = 64, words: int = 49408) -> None:
        super().__init__()
        self.visual = nn.Linear(3, 3)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(Block(width), Block(width))
        self.token_embedding = nn.Embedding(words, width)
        self.positional_embedding = nn.Parameter(torch.randn(CLIP_TOKENS, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.randn(width, 512) / 8)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token_embedding(tokens) + self.positional_embedding[: len(tokens)]
        return self.ln_final(self.transformer.resblocks(x))[-1] @ self.text_projection


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Path]:
    """A small CLIP, and its TorchScript archive as OpenAI's: in half precision but for the norms, with its code."""
    torch.manual_seed(0)
    network = Clip().eval()
    for name, parameter in network.named_parameters():
        if "ln_" not in name:
            parameter.data = parameter.data.half().float()
    path = tmp_path_factory.mktemp("clip") / "ViT-B-32.pt"
    traced = torch.jit.trace(copy.deepcopy(network), torch.tensor([49406, 320, 49407]))
    for name, parameter in traced.named_parameters():
        if "ln_" not in name:
            parameter.data = parameter.data.half()
    traced.save(str(path))
    return network, path


def test_openais_file_gives_the_embeddings_of_its_tower(clip: tuple[Clip, Path], openai_tokenizer: ModuleType) -> None:
    network, path = clip
    encoder = ClipTextEncoder.load(str(path))
    assert encoder.size == 512
    text = ["A person’s left hand raised", "somebody sits down and looks up"]
    rows = [[49406, *openai_tokenizer.encode(each), 49407] for each in text]
    with torch.no_grad():
        expected = torch.stack([network(torch.tensor(row)) for row in rows])
    assert torch.allclose(encoder.encode(text), expected, atol=1e-4)


def test_openais_file_is_not_executed(clip: tuple[Clip, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for loader in ("torch.load", "torch.jit.load"):
        monkeypatch.setattr(loader, lambda *_, **__: pytest.fail("executed"))
    ClipTextEncoder.load(str(clip[1]))


def test_the_vocabulary_beside_the_file_comes_first(clip: tuple[Clip, Path], tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    path.symlink_to(clip[1])
    (tmp_path / clip_file.VOCABULARY_FILE).write_bytes(gzip.compress(b"#version\na b\n"))
    with pytest.raises(InputError, match="not OpenAI's CLIP .49408 words, and the vocabulary has 515"):
        ClipTextEncoder.load(str(path))
    (tmp_path / clip_file.VOCABULARY_FILE).write_bytes(b"no gzip")
    with pytest.raises(InputError, match=f"{clip_file.VOCABULARY_FILE}: not a readable vocabulary"):
        ClipTextEncoder.load(str(path))


def test_without_a_vocabulary_the_way_to_get_it_is_named(
    clip: tuple[Clip, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_file, "_PACKAGES", ())
    with pytest.raises(InputError, match=f"put {clip_file.VOCABULARY_FILE} beside it"):
        ClipTextEncoder.load(str(clip[1]))


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(InputError, match="not OpenAI's CLIP"):
        ClipTextEncoder.load(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match="not one of PyTorch"):
        ClipTextEncoder.load(str(path))
