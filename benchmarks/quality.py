"""How good the cleaned voice is: `python -m benchmarks.quality`, some minutes.

Twelve mixes of real speech (tests/audio/voices) and made noises, -5 to 15 dB, judged as they are (noisy), after
`df.enhance.enhance` (offline), and after our parity and running modes. Judges: DNSMOS P.835 (speech, background, overall; 1 to 5,
no reference), PESQ wide-band (-0.5 to 4.5), STOI (0 to 1) and SI-SDR (dB), the last three against the clean voice. The speech is
16 kHz material. The way through a real audio server (Opus) is not measured here.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
from pesq import pesq
from pystoi import stoi
from rich.console import Console
from rich.progress import track

from agent.denoise import Denoiser
from agent.export.reference import Reference
from tests.agent.denoise.chunks import cleaned
from tests.agent.denoise.mixes import RATE, Mix, Samples, babble, brown, fan, keyboard, siren, white

CACHE = Path(__file__).parents[1] / "data" / "cache"
JUDGES_RATE = 16_000
MIXES = (
    Mix("austen-0870", white, 5),
    Mix("austen-0870", babble, 15),
    Mix("austen-0890", fan, 0),
    Mix("austen-0890", siren, 5),
    Mix("austen-0920", brown, -5),
    Mix("austen-0920", keyboard, 10),
    Mix("cards-005", fan, 10),
    Mix("cards-005", brown, 0),
    Mix("numbers", white, 0),
    Mix("numbers", keyboard, 5),
    Mix("something", fan, 5),
    Mix("goforward", white, 15),
)
PESQ_TARGET, DNSMOS_TARGET, BACKGROUND_TARGET = 0.02, 0.02, 4.0


@dataclass(frozen=True)
class Scores:
    dnsmos_speech: float
    dnsmos_background: float
    dnsmos_overall: float
    pesq: float
    stoi: float
    si_sdr_db: float


class Dnsmos:
    """DNSMOS P.835 with the network and the polynomials of the package speechmos (Reddy et al., 2022), of which nothing is
    imported: its module wants librosa, for another score that is not asked for here."""

    WINDOW = round(9.01 * JUDGES_RATE)
    SPEECH, BACKGROUND, OVERALL = (
        np.poly1d((-0.08397278, 1.22083953, 0.0052439)),
        np.poly1d((-0.13166888, 1.60915514, -0.39604546)),
        np.poly1d((-0.06766283, 1.11546468, 0.04602535)),
    )

    def __init__(self) -> None:
        package = importlib.util.find_spec("speechmos")
        if package is None or not package.submodule_search_locations:
            raise SystemExit("The judge DNSMOS is not installed: uv pip install --python .venv/bin/python speechmos")
        path = Path(package.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx"
        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def __call__(self, sound: Samples) -> tuple[float, float, float]:
        """16 kHz -> speech, background, overall; means over windows of 9 s that start every second, short sound repeated."""
        sound = np.tile(sound, -(-self.WINDOW // len(sound))).astype(np.float32)
        starts = range(0, len(sound) - self.WINDOW + 1, JUDGES_RATE)
        raw = [self._session.run(None, {"input_1": sound[None, start : start + self.WINDOW]})[0][0] for start in starts]
        polynomials = (self.SPEECH, self.BACKGROUND, self.OVERALL)
        speech, background, overall = (
            float(np.mean(polynomial(values))) for polynomial, values in zip(polynomials, np.transpose(raw), strict=True)
        )
        return speech, background, overall


def judge(samples: Samples, clean: Samples, dnsmos: Dnsmos) -> Scores:
    """Both 48 kHz, aligned and of one length."""
    sound, truth = (soxr.resample(signal, RATE, JUDGES_RATE) for signal in (samples, clean))
    speech, background, overall = dnsmos(sound)
    return Scores(
        dnsmos_speech=speech,
        dnsmos_background=background,
        dnsmos_overall=overall,
        pesq=float(pesq(JUDGES_RATE, truth, sound, "wb")),
        stoi=float(stoi(truth, sound, JUDGES_RATE)),
        si_sdr_db=si_sdr_db(samples, clean),
    )


def si_sdr_db(samples: Samples, clean: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al., 2019)."""
    sound, truth = samples.astype(np.float64) - samples.mean(), clean.astype(np.float64) - clean.mean()
    target = truth * (sound @ truth) / (truth @ truth)
    return float(10 * np.log10(np.sum(target**2) / np.sum((sound - target) ** 2)))


def ways(denoiser: Denoiser, reference: Reference) -> dict[str, Callable[[Samples], Samples]]:
    return {
        "noisy": lambda noisy: noisy,
        "offline df": reference.enhance,
        "parity (60 ms)": lambda noisy: cleaned(denoiser.stream(parity=True), noisy),
        "running (40 ms)": lambda noisy: cleaned(denoiser.stream(), noisy),
    }


def mean(scores: list[Scores]) -> Scores:
    return Scores(**{field.name: float(np.mean([getattr(score, field.name) for score in scores])) for field in fields(Scores)})


def print_table(title: str, rows: dict[str, Scores]) -> None:
    print(f"| {title} | DNSMOS speech | background | overall | PESQ | STOI | SI-SDR |")
    print("|---|---|---|---|---|---|---|")
    for name, score in rows.items():
        opinions = f"{score.dnsmos_speech:.3f} | {score.dnsmos_background:.3f} | {score.dnsmos_overall:.3f}"
        print(f"| {name} | {opinions} | {score.pesq:.3f} | {score.stoi:.3f} | {score.si_sdr_db:.2f} dB |")


def print_targets(results: dict[str, list[Scores]]) -> None:
    running, offline = results["running (40 ms)"], results["offline df"]
    pesq_changes = [one.pesq - other.pesq for one, other in zip(running, offline, strict=True)]
    mos_changes = [one.dnsmos_overall - other.dnsmos_overall for one, other in zip(running, offline, strict=True)]
    background = mean(running).dnsmos_background
    print("\nRunning against offline, mean (worst):")
    print(f"PESQ {np.mean(pesq_changes):+.3f} ({min(pesq_changes):+.3f}), target {-PESQ_TARGET};")
    print(f"DNSMOS overall {np.mean(mos_changes):+.3f} ({min(mos_changes):+.3f}), target {-DNSMOS_TARGET}.")
    print(f"Background of running mode {background:.2f}, target {BACKGROUND_TARGET}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the judges' libraries
    console = Console(stderr=True)
    dnsmos = Dnsmos()
    all_ways = ways(Denoiser.load(), Reference(CACHE))
    results: dict[str, list[Scores]] = {name: [] for name in all_ways}
    for mix in track(MIXES, "Judging", console=console):
        noisy, clean = mix.noisy, mix.clean
        for name, clean_up in all_ways.items():
            results[name].append(judge(clean_up(noisy), clean, dnsmos))
    print_table(f"mean of {len(MIXES)} mixes", {name: mean(scores) for name, scores in results.items()})
    print()
    print_table("running mode", {str(mix): score for mix, score in zip(MIXES, results["running (40 ms)"], strict=True)})
    print_targets(results)
    if arguments.json:
        scores = {name: {str(mix): asdict(score) for mix, score in zip(MIXES, row, strict=True)} for name, row in results.items()}
        arguments.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
