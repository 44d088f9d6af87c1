"""Check on a GPU what tests without one cannot: agreement with the CPU, speed, memory, shards, the whole command.

python tools/gpu_check.py [--json FILE] [--table FILE] [--part NAME] [--dry-run]

Takes at most six minutes on one card, and nothing from the network: networks of the published sizes have random
weights. `--dry-run` runs every part on the CPU at a tiny size, to see that the check itself works.
Exit codes: 0; 1 if a part failed; 2 where there is no GPU.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mardm_batch.benchmark.machine import matrix_peak
from mardm_batch.benchmark.measure import bundled_captions
from mardm_batch.benchmark.sampler import Job, random_network
from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.model.acmdm import AcmdmModel
from mardm_batch.model.acmdm_autoencoder import CausalAutoencoder
from mardm_batch.model.acmdm_checkpoint import LatentSpace, LoadedAcmdm
from mardm_batch.model.acmdm_transformer import AcmdmSizes, AcmdmTransformer
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel
from mardm_batch.model.decoding import DecodingSettings
from mardm_batch.model.flow import OdeSampler
from mardm_batch.model.mardm import MardmModel
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.model.noise_keys import noise_key
from mardm_batch.model.transformer import MardmSizes
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.sampling.sampler import PoseSampler

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("card", "tests", "agreement", "speed", "memory", "shards", "pipeline")
SECONDS_OF_SPEED = 75
"""After which the poses of a speed measurement are no longer sampled, but extrapolated."""
FRAMES = {"MARDM": 16, "ACMDM": 40}
"""Of a clip, by the first word of a model's name."""
LIMITS_OF_AGREEMENT = {"float32": 2e-3, "bfloat16": 0.2}
"""Largest difference from the CPU's float32 joints over their largest value, with random weights."""


def frames_of(model: str) -> int:
    """The frames of a clip of a model of that name."""
    return FRAMES[model.partition("-")[0]]


@dataclass(frozen=True)
class Plan:
    """What is run: on a card at the published sizes, or all of it tiny on the CPU."""

    device: str
    mardm: MardmSizes
    mardm_autoencoder: int
    acmdm: dict[str, AcmdmSizes]
    acmdm_autoencoder: int
    poses: int
    batch: int
    captions: int


FULL = Plan(
    device="cuda:0",
    mardm=MardmSizes(),
    mardm_autoencoder=512,
    acmdm={"ACMDM-S": AcmdmSizes(), "ACMDM-XL": AcmdmSizes(width=1280, layers=20, feed_forward=3413, patch=2)},
    acmdm_autoencoder=512,
    poses=10_000,
    batch=1024,
    captions=1000,
)
DRY = Plan(
    device="cpu",
    mardm=MardmSizes(latent=32, width=64, layers=1, heads=4, mlp_width=128, head_width=48, head_blocks=2),
    mardm_autoencoder=32,
    acmdm={"ACMDM-S": AcmdmSizes(width=64, layers=2, feed_forward=106)},
    acmdm_autoencoder=16,
    poses=32,
    batch=16,
    captions=6,
)


class RandomText:
    """Embeddings that follow from the caption alone, as long as CLIP's."""

    size = 512

    def encode(self, captions: Sequence[str]) -> torch.Tensor:
        rows = [
            torch.randn(512, generator=torch.Generator().manual_seed(noise_key(0, each) % 2**63)) for each in captions
        ]
        return torch.stack(rows) / 3


@dataclass
class Check:
    """Runs the parts and keeps their figures."""

    plan: Plan
    figures: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def run(self, name: str, part: Callable[[], dict[str, Any]]) -> None:
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.perf_counter()
        try:
            self.figures[name] = part()
        except Exception as error:
            traceback.print_exc()
            self.figures[name] = {"error": f"{type(error).__name__}: {error}"}
            self.failed.append(name)
        self.figures[name]["seconds"] = round(time.perf_counter() - started, 1)

    def run_parts(self, names: Sequence[str]) -> None:
        """Run those of the parts that are named, and always the card's own figures, which others need."""
        for name in PARTS:
            if name in names or name == "card":
                self.run(name, getattr(self, name))

    def card(self) -> dict[str, Any]:
        on_gpu = self.plan.device != "cpu"
        return {
            "name": torch.cuda.get_device_name(self.plan.device) if on_gpu else "none (dry run)",
            "memory_gb": torch.cuda.get_device_properties(self.plan.device).total_memory / 1e9 if on_gpu else 0.0,
            "torch": torch.__version__,
            **{
                f"{precision}_tflops": matrix_peak(precision, self.plan.device, seconds=0.5) / 1e12
                for precision in ("float32", "bfloat16")
            },
        }

    def tests(self) -> dict[str, Any]:
        words = ["-m", "gpu", "-n", "0", "-q", "tests/model"] if self.plan.device != "cpu" else ["--version"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]
        if done.returncode != 0:
            raise RuntimeError(f"pytest ended with {done.returncode}: {last}")
        return {"result": last}

    def models(self, device: str, precision: str) -> dict[str, MotionModel]:
        """A model of each size with random weights, the same on every device."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            found: dict[str, MotionModel] = {"MARDM-SiT-XL": self.mardm(device, precision)}
            for name, sizes in self.plan.acmdm.items():
                found[name] = self.acmdm(sizes, device, precision)
        return found

    def mardm(self, device: str, precision: str) -> MardmModel:
        network = random_network(self.plan.mardm, "cpu").to(device)
        autoencoder = Autoencoder(FEATURE_SIZE, self.plan.mardm_autoencoder, self.plan.mardm.latent).eval().to(device)
        zeros, ones = torch.zeros(FEATURE_SIZE, device=device), torch.ones(FEATURE_SIZE, device=device)
        networks = LoadedModel(network, autoencoder, RandomText(), zeros, ones, "")
        decoding = DecodingSettings(18, 4.5, OdeSampler("adams", 10))
        return MardmModel(networks, decoding, None, (self.plan.batch, self.plan.batch), precision)

    def acmdm(self, sizes: AcmdmSizes, device: str, precision: str) -> AcmdmModel:
        network = AcmdmTransformer(sizes).eval().requires_grad_(False).to(device)
        autoencoder = CausalAutoencoder(self.plan.acmdm_autoencoder).eval().requires_grad_(False).to(device)
        space = LatentSpace(autoencoder, torch.zeros(4, device=device), torch.ones(4, device=device))
        networks = LoadedAcmdm(
            network, space, RandomText(), torch.zeros(3, device=device), torch.ones(3, device=device), ""
        )
        bounds = (self.plan.batch, self.plan.batch)
        return AcmdmModel(networks, OdeSampler("adams", 10), 3.0, bounds, precision)

    def agreement(self) -> dict[str, Any]:
        """Largest difference of joints from the CPU's in float32, over the largest value."""
        captions, keys = bundled_captions(4), [1, 2, 3, 4]
        expected = {
            name: model.generate(captions, keys, frames_of(name))
            for name, model in self.models("cpu", "float32").items()
        }
        figures = {}
        for precision, limit in LIMITS_OF_AGREEMENT.items():
            for name, model in self.models(self.plan.device, precision).items():
                found = model.generate(captions, keys, frames_of(name))
                error = float(abs(found - expected[name]).max() / abs(expected[name]).max())
                figures[f"{name}.{precision}"] = error
                if not error <= limit:
                    raise RuntimeError(f"{name} in {precision}: {error:.2g} from the CPU, allowed are {limit:.2g}")
        return figures

    def speed(self) -> dict[str, Any]:
        """Seconds for many poses in bfloat16, without text encoder, and the share of the peak that MARDM reaches."""
        figures: dict[str, Any] = {}
        for name, model in self.models(self.plan.device, "bfloat16").items():
            captions = bundled_captions(self.plan.poses)
            batch = min(self.plan.batch, 256) if name == "ACMDM-XL" else self.plan.batch
            model.generate(
                captions[:batch], range(batch), frames_of(name)
            )  # GPU libraries choose kernels for each new shape
            made, started = 0, time.perf_counter()
            while made < self.plan.poses and time.perf_counter() - started < SECONDS_OF_SPEED / len(self.plan.acmdm):
                part = captions[made : made + batch]
                model.generate(part, range(made, made + len(part)), frames_of(name))
                made += len(part)
            seconds = (time.perf_counter() - started) * self.plan.poses / made
            figures[name] = {"seconds": seconds, "poses": self.plan.poses, "sampled": made, "batch": batch}
            del model
        job = Job(random_network(self.plan.mardm, "cpu"), "cpu", 4, DecodingSettings(18, 4.5, OdeSampler("adams", 10)))
        flops = job.flops_per_pose(self.plan.batch) * self.plan.poses
        peak = self.figures["card"]["bfloat16_tflops"] * 1e12
        figures["MARDM-SiT-XL"]["peak_share"] = flops / figures["MARDM-SiT-XL"]["seconds"] / peak
        return figures

    def memory(self) -> dict[str, Any]:
        """A batch that does not fit is halved until it does, and no pose is lost."""
        model = self.mardm(self.plan.device, "bfloat16")
        prompts = [Prompt(caption, f"pose_{row}") for row, caption in enumerate(bundled_captions(self.plan.batch))]
        if self.plan.device != "cpu":
            resident = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            model.generate([each.caption for each in prompts], range(len(prompts)), FRAMES["MARDM"])
            needed = torch.cuda.max_memory_allocated() - resident
            torch.cuda.empty_cache()
            total = torch.cuda.get_device_properties(self.plan.device).total_memory
            torch.cuda.set_per_process_memory_fraction((resident + 0.4 * needed) / total)
        sizes: list[int] = []
        generate = model.generate

        def limited(captions: Sequence[str], keys: Sequence[int], frames: int) -> Any:
            sizes.append(len(captions))
            if self.plan.device == "cpu" and len(captions) > self.plan.batch // 2:
                raise MemoryError
            return generate(captions, keys, frames)

        model.generate = limited  # type: ignore[method-assign]
        config = to_config(compose_config([f"sampling.batch_size={self.plan.batch}"]))
        try:
            poses = list(sample_poses(prompts, PoseSampler(model, config), lambda *_: None))
        finally:
            if self.plan.device != "cpu":
                torch.cuda.set_per_process_memory_fraction(1.0)
        if len(poses) != len(prompts) or min(sizes) >= self.plan.batch:
            raise RuntimeError(f"{len(poses)} of {len(prompts)} poses, in batches of {sizes}")
        return {"batches": sizes}

    def command(self, *words: str) -> float:
        """Seconds of a command that must succeed, in a folder of its own, with its poses audited."""
        with tempfile.TemporaryDirectory() as folder:
            base = [sys.executable, "-m", "mardm_batch"]
            prompts = Path(folder, "captions.txt")
            prompts.write_text("\n".join(bundled_captions(self.plan.captions)), encoding="utf-8")
            common = ["tracking.mode=disabled", f"paths.prompts={prompts}"]
            started = time.perf_counter()
            for command in ([*base, *common, *words], [*base[:2], "mardm_batch.verify", "SinglePose"]):
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
                if done.returncode != 0:
                    raise RuntimeError(f"{' '.join(command[2:])} ended with {done.returncode}: {done.stderr[-500:]}")
            return time.perf_counter() - started

    def shards(self) -> dict[str, Any]:
        gpus = [] if self.plan.device == "cpu" else ["gpu_ids=[0]"]
        seconds = self.command("--multirun", "shard=0,1", "num_shards=2", "render.enabled=false", *gpus)
        return {"poses": self.plan.captions, "command_seconds": seconds}

    def pipeline(self) -> dict[str, Any]:
        return {"poses": self.plan.captions, "command_seconds": self.command()}


def table(figures: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    card = figures["card"]
    lines = [
        f"On {card.get('name')}, PyTorch {card.get('torch')}: matrix products reach "
        f"{card.get('float32_tflops', 0):.0f} TFLOP/s in float32 and {card.get('bfloat16_tflops', 0):.0f} in bfloat16.",
        "",
        "| what | figure |",
        "|---|---|",
    ]
    for name, each in figures.get("speed", {}).items():
        if isinstance(each, dict):
            share = f", {each['peak_share']:.0%} of the peak" if "peak_share" in each else ""
            what = f"{each['poses']:,} poses of {name}, bfloat16, {each['batch']} at once{share}"
            lines.append(f"| {what} | {each['seconds']:.1f} s |")
    for name, error in figures.get("agreement", {}).items():
        if name not in ("seconds", "error"):
            lines.append(f"| {name.replace('.', ', ')}: largest difference from the CPU, relative | {error:.1e} |")
    for name, title in (("shards", "two shards on the card"), ("pipeline", "the whole command")):
        part = figures.get(name, {})
        if "command_seconds" in part:
            lines.append(f"| {title}, {part['poses']:,} captions, with the audit | {part['command_seconds']:.1f} s |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write them as a Markdown table")
    parser.add_argument("--part", action="append", choices=PARTS, help="this part alone; may be given several times")
    parser.add_argument("--dry-run", action="store_true", help="every part on the CPU, tiny")
    options = parser.parse_args()
    if not options.dry_run and not torch.cuda.is_available():
        print("error: no GPU here; --dry-run tries the check on the CPU", file=sys.stderr)
        return 2
    register_schemas()
    check = Check(DRY if options.dry_run else FULL)
    check.run_parts(options.part or PARTS)
    if options.json:
        options.json.write_text(json.dumps(check.figures, indent=1) + "\n", encoding="utf-8")
    text = table(check.figures)
    if options.table:
        options.table.write_text(text, encoding="utf-8")
    print(text)
    for name in check.failed:
        print(f"failed: {name}: {check.figures[name]['error']}", file=sys.stderr)
    return 1 if check.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
