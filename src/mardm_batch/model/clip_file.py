"""OpenAI's own file of CLIP, `ViT-B-32.pt`: a TorchScript archive, read without executing it.

It holds no vocabulary; that of OpenAI's program, `bpe_simple_vocab_16e6.txt.gz`, is taken from beside the file or from
an installed package that ships it.
"""

import gzip
import json
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from mardm_batch.errors import InputError, first_line
from mardm_batch.model.torch_archive import ArchiveError, Opaque, StoredTensor, read_archive
from mardm_batch.system.terminal import printable

VOCABULARY_FILE: Final = "bpe_simple_vocab_16e6.txt.gz"
_PACKAGES: Final = ("clip", "open_clip")
"""That ship the vocabulary; they are not imported."""
_MERGES: Final = 49152 - 256 - 2
"""Of the merges in the file, whose first line is its version, those that CLIP has."""
_HEAD_WIDTH: Final = 64
_BLOCKS: Final = "transformer.resblocks."
_BLOCK_NAMES: Final = {
    "attn.out_proj.weight": "self_attn.out_proj.weight",
    "attn.out_proj.bias": "self_attn.out_proj.bias",
    "ln_1.weight": "layer_norm1.weight",
    "ln_1.bias": "layer_norm1.bias",
    "ln_2.weight": "layer_norm2.weight",
    "ln_2.bias": "layer_norm2.bias",
    "mlp.c_fc.weight": "mlp.fc1.weight",
    "mlp.c_fc.bias": "mlp.fc1.bias",
    "mlp.c_proj.weight": "mlp.fc2.weight",
    "mlp.c_proj.bias": "mlp.fc2.bias",
}
_NAMES: Final = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}


def load_clip_file(path: Path, transformers: Any) -> tuple[Any, Any]:
    """Tokenizer and text tower (CLIPTokenizer, CLIPTextModelWithProjection) of OpenAI's file.

    Raises:
        InputError: the file is broken or holds something else, or there is no vocabulary.
    """
    try:
        weights = {name: each.load() for name, each in _tensors(read_archive(path)) if not name.startswith("visual.")}
    except ArchiveError as error:
        raise InputError(f"{path}: {printable(str(error))}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    tokenizer = _load_tokenizer(_find_vocabulary(path), transformers)
    try:
        text_config = _text_config(weights, transformers, len(tokenizer))
        model = transformers.CLIPTextModelWithProjection(text_config)
        model.load_state_dict(_renamed(weights), strict=True)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: not OpenAI's CLIP ({first_line(error)}); use ViT-B-32.pt") from error
    return tokenizer, model


def _tensors(content: Any, prefix: str = "") -> Iterator[tuple[str, StoredTensor]]:
    """The tensors of a module by their names, which are the paths of its attributes."""
    attributes = content.state if isinstance(content, Opaque) else content
    if not isinstance(attributes, Mapping):
        return
    for name, each in attributes.items():
        if isinstance(each, StoredTensor):
            yield f"{prefix}{name}", each
        elif isinstance(each, Opaque | Mapping):
            yield from _tensors(each, f"{prefix}{name}.")


def _text_config(weights: Mapping[str, Tensor], transformers: Any, vocabulary: int) -> Any:
    """The sizes of the tower, as its tensors have them."""
    positions, width = weights["positional_embedding"].shape
    if len(weights["token_embedding.weight"]) != vocabulary:
        raise ValueError(f"{len(weights['token_embedding.weight'])} words, and the vocabulary has {vocabulary}")
    return transformers.CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=len(weights[f"{_BLOCKS}0.mlp.c_fc.bias"]),
        num_hidden_layers=sum(name.endswith("ln_1.weight") for name in weights),
        num_attention_heads=max(1, width // _HEAD_WIDTH),
        max_position_embeddings=positions,
        projection_dim=weights["text_projection"].shape[1],
        hidden_act="quick_gelu",
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tower's weights in float32, under the names of transformers."""
    renamed = {"text_projection.weight": weights["text_projection"].float().T.contiguous()}
    for name, tensor in weights.items():
        if name in _NAMES:
            renamed[_NAMES[name]] = tensor.float()
        elif name.startswith(_BLOCKS):
            number, part = name.removeprefix(_BLOCKS).split(".", 1)
            block = f"text_model.encoder.layers.{number}."
            if part.startswith("attn.in_proj_"):
                kind = part.removeprefix("attn.in_proj_")
                for one, rows in zip("qkv", tensor.float().chunk(3), strict=True):
                    renamed[f"{block}self_attn.{one}_proj.{kind}"] = rows.contiguous()
            else:
                renamed[block + _BLOCK_NAMES[part]] = tensor.float()
    return renamed


def _find_vocabulary(path: Path) -> Path:
    candidates = [path.with_name(VOCABULARY_FILE)]
    for package in _PACKAGES:
        spec = find_spec(package)
        candidates += [Path(folder) / VOCABULARY_FILE for folder in (spec and spec.submodule_search_locations) or []]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{path}: needs the vocabulary of OpenAI's program too; put {VOCABULARY_FILE} beside it, or "
        "pip install openai-clip"
    )


def _load_tokenizer(vocabulary: Path, transformers: Any) -> Any:
    """transformers' tokenizer with the words and merges of a vocabulary of OpenAI's."""
    try:
        lines = gzip.decompress(vocabulary.read_bytes()).decode("utf-8").split("\n")
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{vocabulary}: not a readable vocabulary ({first_line(error)}); get it again") from error
    merges = [line for line in lines[1 : _MERGES + 1] if line]
    letters = _byte_letters()
    words = [*letters, *(f"{each}</w>" for each in letters), *(each.replace(" ", "") for each in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        numbered = {word: number for number, word in enumerate(words)}
        Path(folder, "vocab.json").write_text(json.dumps(numbered), encoding="utf-8")
        Path(folder, "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
        return transformers.CLIPTokenizer.from_pretrained(folder)


def _byte_letters() -> list[str]:
    """The letters that stand for bytes: printable ones for themselves, and others for the rest, in CLIP's order."""
    printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [*map(chr, printable_bytes), *(chr(256 + number) for number in range(256 - len(printable_bytes)))]
