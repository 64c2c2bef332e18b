"""How good the cleaned voice is: `python -m benchmarks.quality`, some minutes.

Twelve mixes of real speech (tests/audio/voices) and made noises, -5 to 15 dB, judged as they are (noisy), after
`df.enhance.enhance` (offline), and after our parity and running modes, and as a friend hears them through a whole Stillair:
published from a file, cleaned, sent as Opus at 64 kbit/s, written down by a listener. Judges: DNSMOS P.835 (speech, background,
overall; 1 to 5, no reference), PESQ wide-band (-0.5 to 4.5), STOI (0 to 1) and SI-SDR (dB), the last three against the clean
voice. The speech is 16 kHz material.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile
import soxr
from pesq import pesq
from pystoi import stoi
from rich.console import Console
from rich.progress import track

from agent.cli.dnsmos import Dnsmos
from agent.cli.listening import listen
from agent.cli.publishing import publish
from agent.cli.web_client import Login, account
from agent.denoise import Denoiser
from agent.export.reference import Reference
from tests.agent.denoise.chunks import cleaned
from tests.agent.denoise.mixes import RATE, Mix, Samples, babble, brown, fan, keyboard, siren, white
from tests.instance import started
from tests.integration.page import make_friends

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
PESQ_TARGET, DNSMOS_TARGET, BACKGROUND_TARGET, SERVER_TARGET = 0.02, 0.02, 4.0, 0.1
FRIENDS, PASSWORD = ("alice", "bob"), "two friends who listen"
LEAD_S = 4


@dataclass(frozen=True)
class Scores:
    dnsmos_speech: float
    dnsmos_background: float
    dnsmos_overall: float
    pesq: float
    stoi: float
    si_sdr_db: float


def judge(samples: Samples, clean: Samples, dnsmos: Dnsmos) -> Scores:
    """Both 48 kHz, aligned and of one length."""
    sound, truth = (soxr.resample(signal, RATE, JUDGES_RATE) for signal in (samples, clean))
    opinion = dnsmos(sound)
    return Scores(
        dnsmos_speech=opinion.speech,
        dnsmos_background=opinion.background,
        dnsmos_overall=opinion.overall,
        pesq=float(pesq(JUDGES_RATE, truth, sound, "wb")),
        stoi=float(stoi(truth, sound, JUDGES_RATE)),
        si_sdr_db=si_sdr_db(samples, clean),
    )


def si_sdr_db(samples: Samples, clean: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al., 2019)."""
    sound, truth = samples.astype(np.float64) - samples.mean(), clean.astype(np.float64) - clean.mean()
    target = truth * (sound @ truth) / (truth @ truth)
    return float(10 * np.log10(np.sum(target**2) / np.sum((sound - target) ** 2)))


Way = Callable[[Mix], Samples]
NOISY, OFFLINE, PARITY, RUNNING, SERVER = "noisy", "offline df", "parity (60 ms)", "running (40 ms)", "through the server"


def ways(server: Way) -> dict[str, Way]:
    denoiser, reference = Denoiser.load(), Reference(CACHE)
    return {
        NOISY: lambda mix: mix.noisy,
        OFFLINE: lambda mix: reference.enhance(mix.noisy),
        PARITY: lambda mix: cleaned(denoiser.stream(parity=True), mix.noisy),
        RUNNING: lambda mix: cleaned(denoiser.stream(), mix.noisy),
        SERVER: server,
    }


@contextmanager
def whole_stillair() -> Iterator[Way]:
    """Mixes as a friend hears them."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "data") as instance, asyncio.Runner() as runner:
        runner.run(make_friends(instance.url, *FRIENDS, password=PASSWORD))
        yield lambda mix: runner.run(_through(instance.url, mix, Path(folder)))


async def _through(url: str, mix: Mix, folder: Path) -> Samples:
    """Aligned with the clean voice and as long. Before it comes noise alone, in which the friend has the time to join."""
    lead = np.resize(mix.noisy - mix.clean, LEAD_S * RATE)
    soundfile.write(str(folder / "noisy.wav"), np.concatenate([lead, mix.noisy]), RATE, "FLOAT")
    alice_logs_in, bob_logs_in = (Login(username=name, password=PASSWORD) for name in FRIENDS)
    async with account(url, alice_logs_in) as alice, account(url, bob_logs_in) as bob:
        await asyncio.gather(
            listen(bob, FRIENDS[0], folder / "heard.wav", seconds=None, wait_s=60, tell=_nobody),
            publish(alice, folder / "noisy.wav", title=str(mix), strength_db=100, tell=_nobody),
        )
    heard, _ = soundfile.read(str(folder / "heard.wav"), dtype="float32")
    size = 2 ** int(np.ceil(np.log2(len(heard) + len(mix.clean))))
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(mix.clean, size)), size)[: len(heard)]
    part: Samples = heard[int(np.argmax(alike)) :][: len(mix.clean)]
    return np.pad(part, (0, len(mix.clean) - len(part)))


def _nobody(_seconds: float) -> None:
    pass


def mean(scores: list[Scores]) -> Scores:
    return Scores(**{field.name: float(np.mean([getattr(score, field.name) for score in scores])) for field in fields(Scores)})


def print_table(title: str, rows: dict[str, Scores]) -> None:
    print(f"| {title} | DNSMOS speech | background | overall | PESQ | STOI | SI-SDR |")
    print("|---|---|---|---|---|---|---|")
    for name, score in rows.items():
        opinions = f"{score.dnsmos_speech:.3f} | {score.dnsmos_background:.3f} | {score.dnsmos_overall:.3f}"
        print(f"| {name} | {opinions} | {score.pesq:.3f} | {score.stoi:.3f} | {score.si_sdr_db:.2f} dB |")


def print_targets(results: dict[str, list[Scores]]) -> None:
    running, offline = results[RUNNING], results[OFFLINE]
    pesq_changes = [one.pesq - other.pesq for one, other in zip(running, offline, strict=True)]
    mos_changes = [one.dnsmos_overall - other.dnsmos_overall for one, other in zip(running, offline, strict=True)]
    background = mean(running).dnsmos_background
    print("\nRunning against offline, mean (worst):")
    print(f"PESQ {np.mean(pesq_changes):+.3f} ({min(pesq_changes):+.3f}), target {-PESQ_TARGET};")
    print(f"DNSMOS overall {np.mean(mos_changes):+.3f} ({min(mos_changes):+.3f}), target {-DNSMOS_TARGET}.")
    print(f"Background of running mode {background:.2f}, target {BACKGROUND_TARGET}.")
    server = mean(results[SERVER]).dnsmos_overall - mean(running).dnsmos_overall
    print(f"Through the server against running: DNSMOS overall {server:+.3f}, target {-SERVER_TARGET}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    parser.add_argument("--mixes", type=int, default=len(MIXES), help="the first so many only")
    arguments = parser.parse_args()
    mixes = MIXES[: arguments.mixes]
    warnings.simplefilter("ignore")  # the judges' libraries
    console = Console(stderr=True)
    dnsmos = Dnsmos.load()
    if dnsmos is None:
        raise SystemExit("The judge DNSMOS is not installed: uv pip install --python .venv/bin/python speechmos")
    with whole_stillair() as server:
        all_ways = ways(server)
        results: dict[str, list[Scores]] = {name: [] for name in all_ways}
        for mix in track(mixes, "Judging", console=console):
            for name, way in all_ways.items():
                results[name].append(judge(way(mix), mix.clean, dnsmos))
    print_table(f"mean of {len(mixes)} mixes", {name: mean(scores) for name, scores in results.items()})
    print()
    print_table("running mode", {str(mix): score for mix, score in zip(mixes, results[RUNNING], strict=True)})
    print_targets(results)
    if arguments.json:
        scores = {name: {str(mix): asdict(score) for mix, score in zip(mixes, row, strict=True)} for name, row in results.items()}
        arguments.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
