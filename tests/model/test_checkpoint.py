"""Weights on disk: the published layout, its slim copies, the embedded model's file, and what can be wrong."""

import dataclasses
import json
import logging
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import TINY_WIDTH, NoText, copy_published, load_tiny, tiny_sizes

from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.model.archives import slim_copy
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel, load_embedded, load_published, save_embedded, weights_hash
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.words import WordEncoder
from mardm_batch.sampling.models import published_files as published
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
            "Mean.npy (utils/eval_mean.npy of github.com/neu-vi/MARDM",
            "Std.npy (utils/eval_std.npy of github.com/neu-vi/MARDM",
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
    @pytest.mark.parametrize("kept", [0, 10, 5000, 0.5, 0.99])
    def test_truncated_archive(self, folder: Path, kept: float) -> None:
        archive = network_archive(folder)
        whole = archive.read_bytes()
        archive.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
        line = refusal(lambda: load_tiny(folder, "sit"))
        assert line.startswith(f"{archive}: not a readable checkpoint")
        assert "truncated" in line
        assert not slim_copy(archive).exists()

    def test_archive_of_something_else(self, folder: Path) -> None:
        torch.save({"ae": {}, "ep": 3}, network_archive(folder))
        assert "no weights under the key ema_mardm; found ae, ep" in refusal(lambda: load_tiny(folder, "sit"))
        torch.save([1, 2], network_archive(folder))
        assert "no weights under the key ema_mardm; found list" in refusal(lambda: load_tiny(folder, "sit"))

    def test_archive_that_would_run_code_is_not_run(self, folder: Path) -> None:
        torch.save({"ema_mardm": Path("/")}, network_archive(folder))
        assert "not a readable checkpoint" in refusal(lambda: load_tiny(folder, "sit"))

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
            (np.ones(64), "shape (64,), expected (67,)"),
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


class Hub:
    """Stands where huggingface_hub is: serves local zips by repository and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served: list[str] = []

    def hf_hub_download(self, *, repo_id: str, filename: str) -> str:
        self.served.append(repo_id)
        path = self.folder / repo_id / filename
        if not path.is_file():
            raise ConnectionError(f"404 for {filename}\nmore about it")
        return str(path)

    def add(self, repository: str, members: dict[str, bytes]) -> Path:
        path = self.folder / "cr8br0ze" / repository / f"{repository}.zip"
        path.parent.mkdir(parents=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub.hf_hub_download)
    monkeypatch.setitem(published._REPOSITORIES, NAME, f"cr8br0ze/{NAME}")
    return hub


class TestDownload:
    def test_puts_the_archives_in_the_published_layout(self, tmp_path: Path, folder: Path, hub: Hub) -> None:
        hub.add("AE_humanml3d", {"AE/model/latest.tar": autoencoder_archive(folder).read_bytes()})
        members = {
            f"{NAME}/model/latest.tar": network_archive(folder).read_bytes(),
            f"{NAME}/opt.txt": b"options",
            f"__MACOSX/{NAME}/model/latest.tar": b"not this",
        }
        hub.add(NAME, members)
        target = tmp_path / "new" / "checkpoints"
        files = find_published(NAME, target, folder, download=True)
        assert files.network == target / NAME / "model" / "latest.tar"
        assert files.autoencoder == target / "AE" / "model" / "latest.tar"
        written = [path.relative_to(target).as_posix() for path in sorted(target.rglob("*")) if path.is_file()]
        assert written == ["AE/model/latest.tar", f"{NAME}/model/latest.tar"]
        model = load_published(files, tiny_sizes("sit"), TINY_WIDTH, NoText())
        assert same_weights(model, load_tiny(folder, "sit"))

    def test_gets_only_what_is_missing(self, folder: Path, hub: Hub) -> None:
        hub.add(NAME, {"latest.tar": network_archive(folder).read_bytes()})
        network_archive(folder).unlink()
        find_published(NAME, folder / "checkpoints" / "t2m", folder, download=True)
        assert hub.served == [f"cr8br0ze/{NAME}"]
        find_published(NAME, folder / "checkpoints" / "t2m", folder, download=True)
        assert len(hub.served) == 1

    def test_zip_cannot_write_elsewhere(self, tmp_path: Path, folder: Path, hub: Hub) -> None:
        hub.add("AE_humanml3d", {"../../../../escaped/model/latest.tar": b"content", "../../evil.txt": b"evil"})
        target = tmp_path / "deep" / "checkpoints"
        refusal(lambda: find_published(NAME, target, folder, download=True))  # the other zip is not there
        assert (target / "AE" / "model" / "latest.tar").read_bytes() == b"content"
        assert not [path for path in tmp_path.rglob("*") if path.name in ("escaped", "evil.txt")]

    def test_broken_zip_leaves_nothing(self, tmp_path: Path, folder: Path, hub: Hub) -> None:
        path = hub.add("AE_humanml3d", {"AE/model/latest.tar": bytes(100_000)})
        damaged = bytearray(path.read_bytes())
        damaged[50_000] ^= 1
        path.write_bytes(damaged)
        target = tmp_path / "new"
        line = refusal(lambda: find_published(NAME, target, folder, download=True))
        assert line.startswith(f"{path}: not a whole zip file")
        assert not [each for each in target.rglob("*") if each.is_file()]

    def test_zip_without_the_archive_is_refused(self, tmp_path: Path, folder: Path, hub: Hub) -> None:
        path = hub.add("AE_humanml3d", {"readme.txt": b""})
        line = refusal(lambda: find_published(NAME, tmp_path / "new", folder, download=True))
        assert line.startswith(f"{path}: holds 0 files latest.tar")

    def test_failure_of_the_hub_is_one_line(self, tmp_path: Path, folder: Path, hub: Hub) -> None:
        line = refusal(lambda: find_published(NAME, tmp_path / "new", folder, download=True))
        assert "cannot get AE_humanml3d.zip from huggingface.co/cr8br0ze/AE_humanml3d (404 for" in line

    def test_needs_a_folder_a_known_name_and_the_hubs_client(
        self, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ConfigurationError, match="set model.checkpoints=DIR"):
            find_published("MARDM_SiT_XL", None, folder, download=True)
        with pytest.raises(ConfigurationError, match="known are MARDM_SiT_XL, MARDM_DDPM_XL"):
            find_published("unheard_of", folder, folder, download=True)
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(ConfigurationError, match=r"mardm-batch\[clip\]"):
            find_published("MARDM_SiT_XL", tmp_path / "new", folder, download=True)


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
