"""Weights on disk: the published layout, its slim copies, the embedded model's file, and what can be wrong."""

import dataclasses
import json
import logging
import os
import threading
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import TINY_WIDTH, NoText, copy_published, load_tiny, tiny_sizes

from mardm_batch.errors import InputError
from mardm_batch.model.archives import slim_copy
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel, load_embedded, load_published, save_embedded
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.weights import BrokenArchiveError, weights_hash
from mardm_batch.model.words import WordEncoder
from mardm_batch.sampling.models.embedded import find_embedded
from mardm_batch.sampling.models.published_files import find_published

NAME = "MARDM_SiT_tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_published(tmp_path)


def network_archive(folder: Path) -> Path:
    return folder / "checkpoints" / "t2m" / NAME / "model" / "latest.tar"


def autoencoder_archive(folder: Path) -> Path:
    return folder / "checkpoints" / "t2m" / "AE" / "model" / "latest.tar"


def same_weights(one: LoadedModel, other: LoadedModel) -> bool:
    return all(
        torch.equal(tensor, getattr(other, part).state_dict()[name])
        for part in ("network", "autoencoder")
        for name, tensor in getattr(one, part).state_dict().items()
    )


def refusal(call: Callable[[], object]) -> str:
    """The one line with which an input is refused."""
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestPublished:
    def test_loads_average_weights_for_evaluation_in_float32(self, folder: Path) -> None:
        model = load_tiny(folder, "sit")
        content = torch.load(network_archive(folder), weights_only=True)
        found = model.network.state_dict()
        assert found.keys() == content["ema_mardm"].keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in content["ema_mardm"].items())
        assert not model.network.training
        assert not model.autoencoder.training
        assert model.mean.shape == model.std.shape == (67,)
        everything = [*found.values(), *model.autoencoder.state_dict().values(), model.mean, model.std]
        assert {tensor.dtype for tensor in everything} == {torch.float32}
        assert model.decode(torch.zeros(2, 32, 3)).shape == (2, 12, 67)

    @pytest.mark.parametrize("below", ["", "checkpoints", "checkpoints/t2m"])
    def test_folder_may_be_a_parent_of_the_published_layout(self, folder: Path, below: str) -> None:
        checkpoints = folder / below
        stats = folder / "datasets" / "HumanML3D" if below == "checkpoints" else folder
        files = find_published(NAME, checkpoints, stats)
        assert files.network == network_archive(folder)
        assert files.autoencoder == autoencoder_archive(folder)
        assert files.mean == folder / "datasets" / "HumanML3D" / "Mean.npy"

    def test_text_tower_in_the_archive_is_dropped(self, folder: Path) -> None:
        content = torch.load(network_archive(folder), weights_only=True)
        expected = load_tiny(folder, "sit").weights_hash
        content["ema_mardm"]["clip_model.token_embedding.weight"] = torch.ones(3, 3)
        torch.save(content, network_archive(folder))
        assert load_tiny(folder, "sit").weights_hash == expected

    def test_raw_weights_are_taken_on_request_and_have_a_slim_copy_of_their_own(self, folder: Path) -> None:
        content = torch.load(network_archive(folder), weights_only=True)
        content["mardm"] = {name: tensor + 1 for name, tensor in content["ema_mardm"].items()}
        torch.save(content, network_archive(folder))
        files, sizes = find_published(NAME, folder, folder), tiny_sizes("sit")
        raw = load_published(files, sizes, TINY_WIDTH, NoText(), averaged=False)
        averaged = load_published(files, sizes, TINY_WIDTH, NoText())
        assert torch.equal(raw.network.cond_emb.bias, averaged.network.cond_emb.bias + 1)
        assert raw.weights_hash != averaged.weights_hash
        slim = {path.name for path in files.network.parent.glob("*.safetensors")}
        assert slim == {"latest.slim.safetensors", "latest.raw.slim.safetensors"}
        files.network.unlink()
        assert load_published(files, sizes, TINY_WIDTH, NoText(), averaged=False).weights_hash == raw.weights_hash

    def test_another_file_beside_the_latest_can_be_named(self, folder: Path) -> None:
        network_archive(folder).rename(network_archive(folder).with_name("net_best_fid.tar"))
        files = find_published(NAME, folder, folder, file="net_best_fid.tar")
        load_published(files, tiny_sizes("sit"), TINY_WIDTH, NoText())
        assert files.network.with_name("net_best_fid.slim.safetensors").is_file()
        line = refusal(lambda: find_published(NAME, folder, folder, file="net_best_top1.tar"))
        assert f"missing {NAME}/model/net_best_top1.tar" in line

    def test_names_of_a_network_that_was_trained_in_parallel(self, folder: Path) -> None:
        expected = load_tiny(folder, "sit").weights_hash
        content = torch.load(network_archive(folder), weights_only=True)
        content["ema_mardm"] = {f"module.{name}": tensor for name, tensor in content["ema_mardm"].items()}
        torch.save(content, network_archive(folder))
        assert load_tiny(folder, "sit").weights_hash == expected

    @pytest.mark.parametrize("legacy", [False, True])
    def test_optimizer_and_scheduler_in_the_archive_are_left_there(self, folder: Path, legacy: bool) -> None:
        expected = load_tiny(folder, "sit").weights_hash
        content = torch.load(network_archive(folder), weights_only=True)
        network = torch.nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(network.parameters())
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [50_000])
        content |= {"opt_mardm": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "ep": 3}
        torch.save(content, network_archive(folder), _use_new_zipfile_serialization=not legacy)
        assert load_tiny(folder, "sit").weights_hash == expected

    def test_objects_in_the_archive_are_not_made(self, folder: Path) -> None:
        expected = load_tiny(folder, "sit").weights_hash
        content = torch.load(network_archive(folder), weights_only=True)
        content |= {"options": Namespace(name="MARDM", where=Path("/")), "best": np.float64(0.1), "trap": Trap()}
        torch.save(content, network_archive(folder))
        assert load_tiny(folder, "sit").weights_hash == expected

    def test_statistics_of_humanml3d_serve_by_their_first_67_numbers(self, folder: Path) -> None:
        expected = load_tiny(folder, "sit")
        for name in ("Mean.npy", "Std.npy"):
            path = folder / "datasets" / "HumanML3D" / name
            np.save(path, np.concatenate([np.load(path), np.full(263 - 67, np.nan)]).astype(np.float32))
        found = load_tiny(folder, "sit")
        assert torch.equal(found.mean, expected.mean)
        assert torch.equal(found.std, expected.std)
        assert found.weights_hash == expected.weights_hash


class Trap:
    """Unpickled, it would end the test."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[int]]:
        return os._exit, (77,)


class TestSlimCopy:
    def test_is_made_once_and_replaces_the_archive(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = load_tiny(folder, "sit")
        slim = slim_copy(network_archive(folder))
        assert slim.name == "latest.slim.safetensors"
        assert slim.stat().st_size < network_archive(folder).stat().st_size
        assert slim.stat().st_mode == network_archive(folder).stat().st_mode

        monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the archive was opened again"))
        second = load_tiny(folder, "sit")
        network_archive(folder).unlink()
        autoencoder_archive(folder).unlink()
        third = load_tiny(folder, "sit")
        assert same_weights(first, second)
        assert same_weights(first, third)
        assert first.weights_hash == second.weights_hash == third.weights_hash

    def test_is_made_again_when_the_archive_changes_and_leaves_a_running_model_alone(self, folder: Path) -> None:
        before = load_tiny(folder, "sit")
        content = torch.load(network_archive(folder), weights_only=True)
        content["ema_mardm"]["cond_emb.bias"] += 1
        torch.save(content, network_archive(folder))  # into the same file, which torch maps into memory
        after = load_tiny(folder, "sit")
        assert torch.equal(after.network.cond_emb.bias, before.network.cond_emb.bias + 1)
        assert after.weights_hash != before.weights_hash

    def test_is_made_again_when_it_is_broken(self, folder: Path) -> None:
        before = load_tiny(folder, "sit")
        slim = slim_copy(network_archive(folder))
        whole = slim.read_bytes()
        slim.write_bytes(whole[: len(whole) // 2])
        assert same_weights(load_tiny(folder, "sit"), before)
        assert len(slim.read_bytes()) == len(whole)

    def test_broken_without_archive_is_refused(self, folder: Path) -> None:
        load_tiny(folder, "sit")
        slim = slim_copy(network_archive(folder))
        slim.write_bytes(slim.read_bytes()[:1000])
        network_archive(folder).unlink()
        assert refusal(lambda: load_tiny(folder, "sit")).startswith(f"{slim}: not a readable slim copy")

    def test_folder_that_cannot_be_written_is_a_warning(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def read_only(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        expected = load_tiny(copy_published(folder / "writable"), "sit")
        monkeypatch.setattr(os, "replace", read_only)
        with caplog.at_level(logging.WARNING):
            model = load_tiny(folder, "sit")
        assert same_weights(model, expected)
        assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
        assert "latest.slim.safetensors: cannot be written" in caplog.text
        assert {path.name for path in network_archive(folder).parent.iterdir()} == {"latest.tar"}

    def test_two_at_once_both_load(self, folder: Path) -> None:
        loaded: list[LoadedModel] = []
        threads = [threading.Thread(target=lambda: loaded.append(load_tiny(folder, "sit"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert same_weights(*loaded)
        names = {path.name for path in network_archive(folder).parent.iterdir()}
        assert names == {"latest.tar", "latest.slim.safetensors"}


class TestMissingFiles:
    def test_each_is_listed_with_the_way_to_get_it(self, tmp_path: Path) -> None:
        line = refusal(lambda: find_published("MARDM_SiT_XL", tmp_path, tmp_path / "stats"))
        for part in (
            f"model.checkpoints={tmp_path}",
            "AE/model/latest.tar",
            "AE_humanml3d.zip of huggingface.co/cr8br0ze/AE_humanml3d",
            "MARDM_SiT_XL/model/latest.tar",
            "MARDM_SiT_XL.zip of huggingface.co/cr8br0ze/MARDM_SiT_XL",
            "model.download=true",
            f"model.stats={tmp_path / 'stats'}",
            "Mean.npy (utils/eval_mean_std/t2m/eval_mean.npy of github.com/neu-vi/MARDM",
            "Std.npy (utils/eval_mean_std/t2m/eval_std.npy of github.com/neu-vi/MARDM",
        ):
            assert part in line

    def test_what_is_there_is_not_listed(self, folder: Path) -> None:
        autoencoder_archive(folder).unlink()
        (folder / "datasets" / "HumanML3D" / "Std.npy").unlink()
        line = refusal(lambda: find_published(NAME, folder, folder))
        assert "AE/model/latest.tar" in line
        assert "Std.npy" in line
        assert NAME not in line
        assert "Mean.npy" not in line

    def test_folders_not_set_are_named(self) -> None:
        line = refusal(lambda: find_published("MARDM_DDPM_XL", None, None))
        assert "model.checkpoints=null: missing AE/model/latest.tar" in line
        assert "cr8br0ze/MARDM_DDPM_XL" in line
        assert "model.stats=null: missing Mean.npy" in line


class TestBrokenFiles:
    @pytest.mark.parametrize("kept", [10, 5000, 0.5, 0.99])
    def test_truncated_archive(self, folder: Path, kept: float) -> None:
        archive = network_archive(folder)
        whole = archive.read_bytes()
        archive.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert line.startswith(f"{archive}: truncated")
        assert not slim_copy(archive).exists()

    @pytest.mark.parametrize(
        ("content", "named"),
        [
            (b"", "an empty file"),
            (b"\n<!DOCTYPE html><html>log in", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80", "truncated or damaged, in PyTorch's old format"),
            (b"\x1b[31mred\x1b[0m" * 20, "not a checkpoint of PyTorch"),
        ],
    )
    def test_file_of_another_kind(self, folder: Path, content: bytes, named: str) -> None:
        network_archive(folder).write_bytes(content)
        with pytest.raises(BrokenArchiveError, match=named) as caught:
            load_tiny(folder, "sit")
        assert caught.value.archive == network_archive(folder)
        assert str(caught.value).isprintable()

    def test_zip_that_was_not_unpacked(self, folder: Path) -> None:
        with zipfile.ZipFile(network_archive(folder), "w") as archive:
            archive.writestr(f"{NAME}/model/latest.tar", b"content")
        assert "not one of PyTorch (it holds MARDM_SiT_tiny/model/latest.tar)" in refusal(
            lambda: load_tiny(folder, "sit")
        )

    @pytest.mark.parametrize("where", ["tensor", "pickle"])
    def test_flipped_byte(self, folder: Path, where: str) -> None:
        archive = network_archive(folder)
        content = bytearray(archive.read_bytes())
        name = torch.load(archive, weights_only=True)["ema_mardm"]["cond_emb.weight"]
        place = content.find(name.numpy().tobytes()) + 101 if where == "tensor" else content.find(b"ema_mardm") + 20
        content[place] ^= 0x40
        archive.write_bytes(content)
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert line.startswith(f"{archive}: ")
        assert "damaged" in line
        assert "get the file again" in line

    def test_archive_of_something_else(self, folder: Path) -> None:
        torch.save({"ae": {}, "\x1b[31mep": 3}, network_archive(folder))
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert "no weights under the key ema_mardm; found ae, \\x1b[31mep: is it the right file?" in line
        torch.save([1, 2], network_archive(folder))
        assert "no weights under the key ema_mardm; found list" in refusal(lambda: load_tiny(folder, "sit"))
        torch.save({"ema_mardm": Trap()}, network_archive(folder))
        assert "no weights under the key ema_mardm; found ema_mardm" in refusal(lambda: load_tiny(folder, "sit"))

    def test_old_format_with_more_than_tensors(self, folder: Path) -> None:
        content = torch.load(network_archive(folder), weights_only=True) | {"trap": Trap()}
        torch.save(content, network_archive(folder), _use_new_zipfile_serialization=False)
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert "old format that holds more than tensors" in line

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"head_width": 56}, "DiffMLPs.net.time_embed.mlp.0.weight has the shape [48, 256], expected [56, 256]"),
            ({"head_blocks": 3}, "8 tensors missing (DiffMLPs.net.res_blocks.2"),
            ({"head_blocks": 1}, "8 tensors unexpected (DiffMLPs.net.res_blocks.1"),
        ],
    )
    def test_network_of_another_size(self, folder: Path, change: dict[str, int], named: str) -> None:
        files = find_published(NAME, folder, folder)
        sizes = dataclasses.replace(tiny_sizes("sit"), **change)
        for _ in ("from the archive", "from the slim copy"):
            line = refusal(lambda: load_published(files, sizes, TINY_WIDTH, NoText()))
            assert named in line
            assert "another kind or size" in line
            load_tiny(folder, "sit")

    def test_autoencoder_of_another_size(self, folder: Path) -> None:
        files = find_published(NAME, folder, folder)
        line = refusal(lambda: load_published(files, tiny_sizes("sit"), 64, NoText()))
        assert line.startswith(f"{autoencoder_archive(folder)}: encoder.model.0.weight has the shape [32, 67, 3]")

    def test_weights_that_are_not_finite(self, folder: Path) -> None:
        content = torch.load(network_archive(folder), weights_only=True)
        content["ema_mardm"]["cond_emb.bias"][3] = torch.nan
        torch.save(content, network_archive(folder))
        assert "cond_emb.bias holds numbers that are not finite" in refusal(lambda: load_tiny(folder, "sit"))

    @pytest.mark.parametrize(
        ("values", "named"),
        [
            (np.ones(64), "shape (64,), expected (67,) or (263,), HumanML3D's"),
            (np.ones((1, 67)), "shape (1, 67), expected (67,)"),
            (np.full(67, np.nan), "not finite"),
            (np.zeros(67), "not positive"),
            (np.array(["a"] * 67), "not a readable .npy file"),
        ],
    )
    def test_statistics(self, folder: Path, values: np.ndarray, named: str) -> None:
        std = folder / "datasets" / "HumanML3D" / "Std.npy"
        np.save(std, values)
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert line.startswith(f"{std}: ")
        assert named in line

    def test_truncated_statistics(self, folder: Path) -> None:
        mean = folder / "datasets" / "HumanML3D" / "Mean.npy"
        mean.write_bytes(mean.read_bytes()[:-20])
        assert "not a readable .npy file" in refusal(lambda: load_tiny(folder, "sit"))


def embedded_parts() -> tuple[Autoencoder, MaskedTransformer, WordEncoder, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    sizes = MardmSizes(latent=6, text=8, width=16, layers=1, heads=2, mlp_width=24, head_width=16, head_blocks=1)
    network = MaskedTransformer(sizes)
    torch.nn.init.normal_(network.head.final_layer.linear.weight)
    words = WordEncoder(["sit", "stand", "坐"], size=8, width=12, layers=1, heads=2)
    return Autoencoder(67, 10, 6), network, words, torch.randn(67), torch.rand(67) + 0.5


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_embedded(path, *embedded_parts())
    return path


class TestEmbedded:
    def test_comes_back_as_it_was_saved_to_half_precision(self, embedded: Path) -> None:
        autoencoder, network, words, mean, std = embedded_parts()
        model = load_embedded(embedded)
        for found, expected in ((model.autoencoder, autoencoder), (model.network, network)):
            assert not found.training
            for name, tensor in expected.state_dict().items():
                same = found.state_dict()[name]
                assert same.dtype == torch.float32
                assert torch.allclose(same, tensor, rtol=1e-3, atol=1e-6)
        captions = ["she sits", "they are standing", "坐"]
        assert torch.allclose(model.text_encoder.encode(captions), words.eval().encode(captions), atol=1e-2)
        assert model.text_encoder.size == model.network.sizes.text == 8
        assert torch.equal(model.mean, mean)
        assert torch.equal(model.std, std)

    def test_file_is_half_precision_without_the_positions_and_readable_by_all(self, embedded: Path) -> None:
        from safetensors import safe_open

        with safe_open(embedded, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
        assert "network.position_enc.pe" not in tensors
        full = {name for name, tensor in tensors.items() if tensor.dtype != torch.float16}
        assert full == {"mean", "std"}
        assert json.loads(metadata["vocabulary"]) == ["sit", "stand", "坐"]
        assert json.loads(metadata["sizes"])["autoencoder"] == {"feature_size": 67, "width": 10, "latent_size": 6}
        assert embedded.stat().st_mode & 0o444 == 0o444
        assert [path.name for path in embedded.parent.iterdir()] == [embedded.name]

    def test_same_weights_give_the_same_hash(self, embedded: Path, tmp_path: Path) -> None:
        again = tmp_path / "again.safetensors"
        save_embedded(again, *embedded_parts())
        assert load_embedded(again).weights_hash == load_embedded(embedded).weights_hash

    def test_missing_file(self, tmp_path: Path) -> None:
        line = refusal(lambda: find_embedded(str(tmp_path / "none.safetensors")))
        assert "none.safetensors: no such file; train one with python -m mardm_batch.train" in line

    @pytest.mark.parametrize("kept", [0, 100, 0.5])
    def test_truncated_file(self, embedded: Path, kept: float) -> None:
        whole = embedded.read_bytes()
        embedded.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
        assert "not weights of the embedded model" in refusal(lambda: load_embedded(embedded))

    def test_safetensors_of_something_else(self, folder: Path) -> None:
        load_tiny(folder, "sit")
        line = refusal(lambda: load_embedded(slim_copy(network_archive(folder))))
        assert "not weights of the embedded model" in line


def test_weights_hash_depends_on_names_shapes_and_bytes_not_on_order() -> None:
    weights = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(1.0)}
    same = {"b": torch.tensor(1.0), "a": torch.tensor([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]).T}
    others = [
        {"a": weights["a"].reshape(3, 2), "b": weights["b"]},
        {"c": weights["a"], "b": weights["b"]},
        {"a": weights["a"] + 1e-6, "b": weights["b"]},
    ]
    assert weights_hash(weights) == weights_hash(same)
    assert len({weights_hash(each) for each in (weights, *others)}) == 4
