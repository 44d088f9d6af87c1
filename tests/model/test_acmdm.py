"""ACMDM as a model: clips by keyed noise, lengths, bones, precision. Tiny networks of the conformance set."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import ACMDM_WIDTH, NoText, acmdm_sizes, copy_acmdm

from mardm_batch.errors import InputError
from mardm_batch.model.acmdm import AcmdmModel
from mardm_batch.model.acmdm_checkpoint import PUBLISHED_STD, LoadedAcmdm, load_acmdm
from mardm_batch.model.flow import OdeSampler
from mardm_batch.pose.geometry import bone_length_error
from mardm_batch.sampling.models.published_files import find_acmdm

FRAMES = 40


class TextByLength(NoText):
    """Embeds a caption by the lengths of its words."""

    def encode(self, captions: list[str]) -> torch.Tensor:
        return torch.stack([torch.tensor([len(word) for word in (each.split() * 512)[:512]]) / 4 for each in captions])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_acmdm(tmp_path_factory.mktemp("published"))


def load(folder: Path, kind: str) -> LoadedAcmdm:
    name = {"Flow": "ACMDM_Flow_tiny", "Raw": "ACMDM_Raw_Flow_tiny"}[kind]
    files = find_acmdm(name, folder, folder, has_latents=kind == "Flow")
    return load_acmdm(files, acmdm_sizes(kind), ACMDM_WIDTH, TextByLength())


def model(folder: Path, kind: str = "Flow", **settings: object) -> AcmdmModel:
    return AcmdmModel(load(folder, kind), OdeSampler("adams", 4), 3.0, (1, 8), **settings)


@pytest.mark.parametrize("kind", ["Flow", "Raw"])
def test_a_clip_depends_on_its_caption_and_key_alone(folder: Path, kind: str) -> None:
    acmdm = model(folder, kind)
    clips = acmdm.generate(["a person waves", "a person sits down", "a person waves"], [1, 2, 3], FRAMES)
    assert clips.shape == (3, FRAMES, 22, 3)
    assert clips.dtype == np.float32
    again = np.concatenate(
        [acmdm.generate(["a person sits down"], [2], FRAMES), acmdm.generate(["a person waves"], [3], FRAMES)]
    )
    assert np.abs(clips[1:] - again).max() < 2e-5 * np.abs(clips).max()
    others = [acmdm.generate(["a person waves"], [4], FRAMES)[0], acmdm.generate(["somebody"], [1], FRAMES)[0]]
    assert min(np.abs(clips[0] - other).max() for other in others) > 1e-3


@pytest.mark.parametrize("kind", ["Flow", "Raw"])
def test_the_same_model_makes_clips_of_other_lengths(folder: Path, kind: str) -> None:
    acmdm = model(folder, kind)
    for frames in (FRAMES + 8, FRAMES):
        assert acmdm.generate(["a person waves"], [1], frames).shape == (1, frames, 22, 3)


def test_bones_are_fitted_to_the_skeleton_on_request(folder: Path) -> None:
    free = model(folder).generate(["a person waves"], [1], FRAMES)[0]
    fitted = model(folder, fits_bones=True).generate(["a person waves"], [1], FRAMES)[0]
    assert bone_length_error(free).min() > 0.01
    assert bone_length_error(fitted).max() < 1e-6
    assert np.abs(fitted[:, 0, [0, 2]] - free[:, 0, [0, 2]]).max() < 1e-6
    assert np.abs(fitted[..., 1].min(axis=1) - free[..., 1].min(axis=1)).max() < 1e-5


def test_bfloat16_is_near(folder: Path) -> None:
    exact = model(folder).generate(["a person waves"], [1], FRAMES)
    rounded = model(folder, precision="bfloat16").generate(["a person waves"], [1], FRAMES)
    assert 0 < np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("kind", ["Flow", "Raw"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_patches_are_embedded_as_by_a_convolution(folder: Path, kind: str, precision: torch.dtype) -> None:
    network = load(folder, kind).network
    clips = torch.randn(2, network.sizes.channels, 10, 22)
    embedder = network.x_embedder.double()
    expected = embedder(clips.to(precision).double()).flatten(2).transpose(1, 2)
    torch.full((1 << 20,), 1e30)  # what is freed may be handed out again, and must not be read
    found = network.to(precision).embed_patches(clips.to(precision))
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0.02 if precision is torch.bfloat16 else 1e-4)


def test_a_frame_does_not_depend_on_what_follows(folder: Path) -> None:
    space = load(folder, "Flow").latent_space
    latents = torch.randn(2, 4, 10, 22)
    assert torch.allclose(space.decode(latents)[:, :24], space.decode(latents[:, :, :6]), atol=1e-5)


def test_many_clips_are_decoded_as_few_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space, latents = load(folder, "Flow").latent_space, torch.randn(5, 4, 3, 22)
    expected = space.decode(latents)
    monkeypatch.setattr("mardm_batch.model.acmdm_checkpoint._DECODED_FRAMES", 24)
    assert torch.allclose(space.decode(latents), expected, atol=1e-5)


class TestFiles:
    def test_each_missing_one_is_listed_with_the_way_to_get_it(self, tmp_path: Path) -> None:
        with pytest.raises(InputError) as caught:
            find_acmdm("ACMDM_Flow_S_PatchSize22", tmp_path, tmp_path / "stats", has_latents=True)
        for part in (
            "ACMDM_Flow_S_PatchSize22/model/latest.tar (in ACMDM_Flow_S_PatchSize22.zip of huggingface.co/cr8br0ze/",
            "AE_2D_Causal/model/latest.tar (in AE_2D_Causal.zip of huggingface.co/cr8br0ze/AE_2D_Causal",
            "22x3_mean.npy (utils/22x3_mean_std/t2m/22x3_mean.npy of github.com/neu-vi/ACMDM",
            "22x3_std.npy",
        ):
            assert part in str(caught.value)

    def test_statistics_of_the_latents_are_named(self, tmp_path: Path) -> None:
        copy_acmdm(tmp_path)
        (tmp_path / "checkpoints" / "t2m" / "AE_2D_Causal" / "AE_2D_Causal_Post_Std.npy").unlink()
        with pytest.raises(InputError, match=r"missing AE_2D_Causal/AE_2D_Causal_Post_Std.npy \(in AE_2D_Causal.zip"):
            find_acmdm("ACMDM_Flow_tiny", tmp_path, None, has_latents=True)

    def test_statistics_of_the_joints_are_known(self, folder: Path) -> None:
        files = find_acmdm("ACMDM_Raw_Flow_tiny", folder, None, has_latents=False)
        loaded = load_acmdm(files, acmdm_sizes("Raw"), None, NoText())
        assert torch.equal(loaded.std, torch.tensor(PUBLISHED_STD))
        assert loaded.weights_hash != load(folder, "Raw").weights_hash

    def test_autoencoder_and_its_statistics_count_in_the_hash(self, tmp_path: Path) -> None:
        copy_acmdm(tmp_path)
        before = load(tmp_path, "Flow").weights_hash
        mean = tmp_path / "checkpoints" / "t2m" / "AE_2D_Causal" / "AE_2D_Causal_Post_Mean.npy"
        np.save(mean, np.load(mean) + 1)
        assert load(tmp_path, "Flow").weights_hash != before
