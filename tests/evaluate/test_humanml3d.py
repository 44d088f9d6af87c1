"""HumanML3D's protocol, with an evaluator of random weights and a small data set in the published layout."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mardm_batch.errors import InputError
from mardm_batch.evaluate.__main__ import PROTOCOL_MEASURES, main
from mardm_batch.evaluate.humanml3d.metrics import (
    POOL,
    diversity,
    frechet_distance,
    half_width,
    multimodality,
    retrieval,
)
from mardm_batch.evaluate.humanml3d.networks import (
    Evaluator,
    MovementEncoder,
    SequenceEncoder,
    TextEncoder,
    load_evaluator,
)
from mardm_batch.evaluate.humanml3d.protocol import MEASURES, MULTIMODALITY
from mardm_batch.evaluate.humanml3d.recordings import LONGEST_CLIP, read_split
from mardm_batch.evaluate.humanml3d.words import CLASSES, load_word_vectors

PUBLISHED = {
    "movement_encoder": {
        "main.0.weight": (512, 259, 4), "main.0.bias": (512,), "main.3.weight": (512, 512, 4), "main.3.bias": (512,),
        "out_net.weight": (512, 512), "out_net.bias": (512,),
    },
    "motion_encoder": {"input_emb.weight": (1024, 512), "hidden": (2, 1, 1024), "gru.weight_ih_l0": (3072, 1024),
                       "output_net.0.weight": (1024, 2048), "output_net.1.weight": (1024,),
                       "output_net.3.weight": (512, 1024)},
    "text_encoder": {"pos_emb.weight": (300, 15), "input_emb.weight": (512, 300), "hidden": (2, 1, 512),
                     "gru.weight_hh_l0_reverse": (1536, 512), "output_net.0.weight": (512, 1024),
                     "output_net.3.weight": (512, 512)},
}  # fmt: skip
"""Shapes of some of the published weights."""
WORDS = ["unk", "sos", "eos", "a", "person", "walk", "slowly", "wave"]
VECTOR, WIDTH, EMBEDDING = 12, 24, 16
QUICK = ("+preset=fast", "sampling.time_steps=2", "sampling.min_agreement=null")


def write_evaluator(folder: Path, seen: int = 259) -> Path:
    """A small evaluator of random weights in the published layout, with its statistics."""
    torch.manual_seed(1)
    modules = (
        MovementEncoder(seen, WIDTH, WIDTH),
        SequenceEncoder(WIDTH, WIDTH, EMBEDDING),
        TextEncoder(VECTOR, WIDTH, EMBEDDING),
    )
    content = dict(zip(("movement_encoder", "motion_encoder", "text_encoder"), modules, strict=True))
    for module in modules:
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    archive = folder / "text_mot_match" / "model" / "finest.tar"
    archive.parent.mkdir(parents=True)
    optimizer = torch.optim.Adam(modules[0].parameters()).state_dict()
    torch.save({**{k: m.state_dict() for k, m in content.items()}, "opt_movement": optimizer, "epoch": 9}, archive)
    statistics = folder / "Comp_v6_KLD01" / "meta"
    statistics.mkdir(parents=True)
    rng = np.random.default_rng(2)
    np.save(statistics / "mean.npy", rng.normal(0, 0.1, 263))
    np.save(statistics / "std.npy", rng.uniform(0.5, 1.5, 263))
    return folder


def write_glove(folder: Path) -> Path:
    folder.mkdir()
    np.save(folder / "our_vab_data.npy", np.random.default_rng(3).normal(size=(len(WORDS), VECTOR)))
    (folder / "our_vab_words.pkl").write_bytes(pickle.dumps(WORDS))
    (folder / "our_vab_idx.pkl").write_bytes(pickle.dumps({word: row for row, word in enumerate(WORDS)}))
    return folder


def write_dataset(folder: Path, recordings: int = 40) -> Path:
    """Recordings of 40 to 47 frames, of which one is too short, and one is described in parts."""
    (folder / "new_joint_vecs").mkdir(parents=True)
    (folder / "texts").mkdir()
    rng = np.random.default_rng(4)
    names = [f"{number:06}" for number in range(recordings)]
    for number, name in enumerate(names):
        frames = 39 if number == 0 else 120 if number == 1 else 40 + number % 8
        np.save(folder / "new_joint_vecs" / f"{name}.npy", rng.normal(size=(frames, 263)).astype(np.float32))
        lines = ["a person walks slowly#a/DET person/NOUN walk/VERB slowly/ADV#0.0#0.0", "waves#wave/VERB#nan#nan"]
        if number == 1:
            lines = ["walks first#walk/VERB#0.0#2.5", "too short#walk/VERB#0.0#1.0", "waves#wave/VERB#2.5#6.0"]
        (folder / "texts" / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "test.txt").write_text("\n".join([*names, "999999"]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("protocol")
    write_evaluator(folder / "t2m")
    write_evaluator(folder / "mardm", seen=67)
    write_glove(folder / "glove")
    write_dataset(folder / "HumanML3D")
    return folder


def flags(files: Path, evaluator: str = "t2m") -> list[str]:
    return [
        "--protocol", "humanml3d", "--dataset", str(files / "HumanML3D"), "--evaluator", str(files / evaluator),
        "--glove", str(files / "glove"), "--repetitions", "2", "--multimodal-captions", "2",
    ]  # fmt: skip


def load(files: Path, evaluator: str = "t2m") -> Evaluator:
    return load_evaluator(files / evaluator, None, load_word_vectors(files / "glove"), "cpu")


def test_the_networks_have_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        modules = MovementEncoder(259, 512, 512), SequenceEncoder(512, 1024, 512), TextEncoder(300, 512, 512)
    for module, (key, expected) in zip(modules, PUBLISHED.items(), strict=True):
        shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        assert expected.items() <= shapes.items(), key
    assert [len(module.state_dict()) for module in modules] == [6, 17, 19]


def test_clips_are_embedded_alone_as_in_a_batch_whatever_order(files: Path) -> None:
    evaluator, rng = load(files), np.random.default_rng(7)
    clips = [rng.normal(size=(frames, 263)).astype(np.float32) for frames in (44, 196, 40, 60)]
    together = evaluator.embed_clips(clips)
    assert together.shape == (4, EMBEDDING)
    for clip, embedding in zip(clips, together, strict=True):
        np.testing.assert_allclose(evaluator.embed_clips([clip])[0], embedding, atol=1e-5)
    altered = clips[0].copy()
    altered[:, 259:] += 1.0  # contacts are not seen
    np.testing.assert_array_equal(evaluator.embed_clips([altered]), evaluator.embed_clips([clips[0]]))


def test_embeddings_are_those_of_the_published_formulas(files: Path) -> None:
    evaluator = load(files)
    clip = np.random.default_rng(8).normal(size=(40, 263)).astype(np.float32)
    weights = torch.load(files / "t2m" / "text_mot_match" / "model" / "finest.tar", weights_only=True)
    mean, std = (torch.from_numpy(np.load(files / f"t2m/Comp_v6_KLD01/meta/{n}.npy")).float() for n in ("mean", "std"))
    x = torch.zeros(1, 259, LONGEST_CLIP)
    x[0, :, :40] = ((torch.from_numpy(clip) - mean) / std)[:, :259].T
    movement = weights["movement_encoder"]
    for layer in ("main.0", "main.3"):
        x = functional.conv1d(x, movement[f"{layer}.weight"], movement[f"{layer}.bias"], stride=2, padding=1)
        x = functional.leaky_relu(x, 0.2)
    x = functional.linear(x[..., :10].transpose(1, 2), movement["out_net.weight"], movement["out_net.bias"])
    state = weights["motion_encoder"]
    x = functional.linear(x, state["input_emb.weight"], state["input_emb.bias"])
    last = []
    for direction, steps in (("", range(10)), ("_reverse", reversed(range(10)))):
        cell = torch.nn.GRUCell(WIDTH, WIDTH)
        cell.load_state_dict(
            {
                f"{kind}_{part}": state[f"gru.{kind}_{part}_l0{direction}"]
                for kind in ("weight", "bias")
                for part in ("ih", "hh")
            }
        )
        hidden = state["hidden"][len(last)]
        for step in steps:
            hidden = cell(x[:, step], hidden)
        last.append(hidden)
    x = functional.linear(torch.cat(last, 1), state["output_net.0.weight"], state["output_net.0.bias"])
    x = functional.layer_norm(x, (WIDTH,), state["output_net.1.weight"], state["output_net.1.bias"])
    x = functional.leaky_relu(x, 0.2)
    x = functional.linear(x, state["output_net.3.weight"], state["output_net.3.bias"])
    np.testing.assert_allclose(evaluator.embed_clips([clip]), x.detach().numpy(), atol=1e-5)


def test_words_are_read_with_their_classes(files: Path) -> None:
    words = load_word_vectors(files / "glove")
    vectors, classes, length = words.read(["a/DET", "person/NOUN", "walk/VERB", "juggle/VERB", "slowly/ADV"])
    assert vectors.shape == (22, VECTOR)
    assert length == 7
    named = [CLASSES[place] for place in classes.argmax(axis=1)]
    assert named[:8] == ["OTHER", "DET", "NOUN", "Act_VIP", "OTHER", "Desc_VIP", "OTHER", "OTHER"]
    np.testing.assert_array_equal(vectors[4], words.vectors[WORDS.index("unk")])
    assert words.read(["a/DET"] * 30)[2] == 22


def test_parts_of_recordings_are_recordings_and_short_ones_are_left_out(files: Path) -> None:
    split = read_split(files / "HumanML3D")
    assert split.unusable == 1
    assert len(split.recordings) == 40  # one is too short, one gives two parts
    captions = [[each.caption for each in recording.descriptions] for recording in split.recordings[:2]]
    assert captions == [["walks first"], ["waves"]]
    assert [len(recording.features) for recording in split.recordings[:2]] == [50, 70]
    draws = split.draw(np.random.default_rng(0))
    lengths = {len(draw.features) for draw in draws}
    assert lengths <= {36, 40, 44, 48, 64, 68}
    assert 36 in lengths
    assert {draw.description.caption for draw in draws} >= {"a person walks slowly", "waves"}


@pytest.mark.parametrize("evaluator", ["t2m", "mardm"])
def test_the_command_scores_clips_of_the_recordings_lengths(
    files: Path,
    evaluator: str,
    tiny_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mardm_batch.evaluate.humanml3d.protocol.GENERATIONS", 3)
    path = tmp_path / "scores.json"
    settings = [f"model.weights={tiny_weights}", *QUICK]
    assert main([*settings, *flags(files, evaluator), "--json", str(path)]) == 0
    scores = json.loads(path.read_text())
    assert scores["clips"] == POOL
    assert scores["features"] == {"t2m": 263, "mardm": 67}[evaluator]
    assert list(scores["generated"]) == [*MEASURES, MULTIMODALITY] == list(PROTOCOL_MEASURES)
    assert list(scores["recorded"]) == list(MEASURES)
    for kind in ("generated", "recorded"):
        assert all(np.isfinite(each["mean"]) and each["half_width"] >= 0 for each in scores[kind].values())
        precision = [scores[kind][f"r_precision_{top}"]["mean"] for top in (1, 2, 3)]
        assert precision == sorted(precision)
    assert scores["generated"]["fid"]["mean"] > scores["recorded"]["fid"]["mean"] > 0
    captured = capsys.readouterr()
    assert scores["generated"][MULTIMODALITY]["mean"] > 0
    assert "FID" in captured.out
    assert "multimodality" in captured.out
    assert "sampling 3 clips of 2 captions for multimodality" in captured.err
    assert "1 recording of the test split cannot be read" in captured.out
    assert "repetition 2 of 2" in captured.err


def test_identical_sets_have_no_distance_and_known_ones_the_known_one() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.normal(size=(4000, 6))
    assert frechet_distance(drawn, drawn) == pytest.approx(0, abs=1e-8)
    # of independent normals: the squared distance of the means, and of the deviations
    assert frechet_distance(drawn, 2 * drawn + 3) == pytest.approx(
        np.square(drawn.mean(0) + 3).sum() + np.trace(np.cov(drawn, rowvar=False)), rel=1e-6
    )


def test_retrieval_counts_ranks_within_pools() -> None:
    rng = np.random.default_rng(6)
    clips = rng.normal(size=(2 * POOL, 8))
    precision, distance = retrieval(clips, clips)
    assert precision.tolist() == [1, 1, 1]
    assert distance == pytest.approx(0, abs=1e-6)
    swapped = clips.copy()
    swapped[[0, 1]] = swapped[[1, 0]]  # two captions of 64 have each other's clip
    precision, _ = retrieval(clips, swapped)
    assert precision[0] == 62 / 64
    precision, _ = retrieval(rng.normal(size=clips.shape), clips)
    assert precision[2] < 0.3


def test_diversity_and_intervals() -> None:
    rng = np.random.default_rng(0)
    assert diversity(np.zeros((5, 3)), rng) == 0
    assert diversity(rng.normal(size=(5000, 512)), rng) == pytest.approx(32, rel=0.02)
    assert half_width(np.array([1.0, 3.0])) == pytest.approx(1.96 / np.sqrt(2))


def test_multimodality_is_the_distance_within_a_caption() -> None:
    rng = np.random.default_rng(0)
    far = 100 * np.arange(50)[:, None, None]  # of captions from each other, which does not count
    assert multimodality(np.broadcast_to(far, (50, 30, 4)), rng) == 0
    clips = far + rng.normal(size=(50, 30, 512))
    found = np.mean([multimodality(clips, rng) for _ in range(40)])
    assert found == pytest.approx(32 * 29 / 30, rel=0.03)  # a pair is of the same clip one time in thirty
    assert multimodality(clips[:, :3], rng) > 0


def test_multimodality_can_be_left_out(
    files: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scores.json"
    settings = [f"model.weights={tiny_weights}", *QUICK]
    words = ["--multimodal-captions", "0", "--repetitions", "1", "--json", str(path)]
    assert main([*settings, *flags(files), *words]) == 0
    assert list(json.loads(path.read_text())["generated"]) == list(MEASURES)
    assert "multimodality" not in "".join(capsys.readouterr())


def damaged(files: Path, folder: Path, damage: Callable[[Path], None]) -> Path:
    write_evaluator(folder / "t2m")
    (folder / "glove").symlink_to(files / "glove")
    (folder / "HumanML3D").symlink_to(files / "HumanML3D")
    damage(folder)
    return folder


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("executed",)


def swap_weights(folder: Path) -> None:
    archive = folder / "t2m/text_mot_match/model/finest.tar"
    content = torch.load(archive, weights_only=True)
    content["text_encoder"].pop("hidden")
    torch.save(content, archive)


def other_size(folder: Path) -> None:
    archive = folder / "t2m/text_mot_match/model/finest.tar"
    content = torch.load(archive, weights_only=True)
    content["movement_encoder"]["main.0.weight"] = torch.zeros(8, 66, 4)
    torch.save(content, archive)


DAMAGES = {
    "no evaluator": (lambda f: (f / "t2m/text_mot_match/model/finest.tar").unlink(), "--evaluator names the folder"),
    "no key": (lambda f: torch.save({"ae": {}}, f / "t2m/text_mot_match/model/finest.tar"), "no weights under the key"),
    "a weight is missing": (swap_weights, "1 tensors missing (hidden)"),
    "of joints": (other_size, "take 66 numbers a frame"),
    "a page": (lambda f: (f / "t2m/text_mot_match/model/finest.tar").write_text("<html>"), "a web page rather than"),
    "no statistics": (lambda f: (f / "t2m/Comp_v6_KLD01/meta/mean.npy").unlink(), "--evaluator-stats names the folder"),
    "no words": (lambda f: (f / "glove").unlink(), "--glove names the folder"),
    "no list": (lambda f: (f / "HumanML3D").unlink(), "--dataset names the folder"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_missing_and_broken_files_are_one_line(
    name: str, files: Path, tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, message = DAMAGES[name]
    folder = damaged(files, tmp_path / "files", damage)
    with pytest.raises(SystemExit) as ended:
        main([f"model.weights={tiny_weights}", *flags(folder)])
    assert ended.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "reading the test split" not in line]
    assert len(lines) == 1
    assert message in lines[0]


def test_no_code_of_the_word_lists_is_executed(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_glove(tmp_path / "glove")
    (tmp_path / "glove" / "our_vab_words.pkl").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match="not a pickled list of words"):
        load_word_vectors(tmp_path / "glove")
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "humanml3d"], "needs --dataset, --evaluator, --glove"),
        (["--dataset", "x"], "--dataset: not with --protocol conditions"),
        (["--protocol", "humanml3d", "--dataset", "x", "--evaluator", "x", "--glove", "x", "--seeds", "3"],
         "--seeds: not with --protocol humanml3d"),
        (["--repetitions", "0", "--protocol", "humanml3d", "--dataset", "x", "--evaluator", "x", "--glove", "x"],
         "--repetitions must be at least 1"),
        (["--seeds", "0"], "--seeds must be at least 1"),
    ],
)  # fmt: skip
def test_options_of_the_other_protocol_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_too_few_recordings_for_a_pool_are_refused(
    files: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"model.weights={tiny_weights}", "limit=20", *flags(files)])
    assert "40 recordings, limit=20; R-precision needs 32 or more" in capsys.readouterr().err
