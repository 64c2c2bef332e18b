"""Draws a sound before and after noise removal: `./stillair agent compare`. It needs matplotlib, of the extra `pictures`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import soxr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agent.cli.denoise_files import Outcome, UnusableFile, each_file, voice_of
from agent.cli.dnsmos import RATE as DNSMOS_RATE
from agent.cli.dnsmos import Dnsmos
from agent.cli.progress import Tell
from agent.denoise import Denoiser
from agent.voice.frames import FRAME, FRAME_S, Float32
from contract.recording import SAMPLE_RATE

QUIETEST_DB = -90.0
HIGHEST_HZ = 16_000
_WINDOW = 1024


@dataclass(frozen=True)
class Comparison:
    before: Float32  # 48 kHz, one voice
    after: Float32  # as long, aligned
    lsnr_db: Float32  # one per hop of 10 ms

    @property
    def removed_db(self) -> float:
        """Return by how much the quietest tenth became quieter."""
        before, after = (np.percentile(levels_db(sound), 10) for sound in (self.before, self.after))
        return float(before - after)


def compare_files(inputs: Iterable[Path], output: Path | None, *, strength_db: float = 100.0) -> list[Outcome]:
    """A picture for each file -> with what is in it as numbers. Raises agent.denoise.ModelError."""
    denoiser, judge = Denoiser.load(), Dnsmos.load()

    def work(path: Path, target: Path, tell: Tell) -> Mapping[str, float]:
        comparison = compare(path, denoiser, strength_db=strength_db, tell=tell)
        found = {"removed_db": round(comparison.removed_db, 1), **(_opinions(comparison, judge) if judge else {})}
        draw(comparison, f"{path.name}: {words(found)}", target)
        return found

    return each_file(inputs, output, work, name="compare", endings=(".png",))


def words(found: Mapping[str, float]) -> str:
    judged = [
        f"{what} {found[f'dnsmos_{what}_before']:.2f} -> {found[f'dnsmos_{what}_after']:.2f}"
        for what in ("speech", "background", "overall")
        if f"dnsmos_{what}_before" in found
    ]
    return ", ".join([f"noise {found['removed_db']:.1f} dB lower", *([f"DNSMOS {'; '.join(judged)}"] if judged else [])])


def compare(path: Path, denoiser: Denoiser, *, strength_db: float, tell: Tell) -> Comparison:
    """Raises UnusableFile."""
    before = np.concatenate(list(voice_of(path)))
    stream = denoiser.stream(strength_db=strength_db)
    after: list[Float32] = []
    lsnr_db: list[float] = []
    for start in range(0, len(before), FRAME):
        after.append(stream.feed(before[start : start + FRAME]))
        lsnr_db.append(stream.lsnr)
        if len(lsnr_db) % 100 == 0:
            tell(start, len(before))
    after.append(stream.flush())
    return Comparison(before, np.concatenate(after), np.array(lsnr_db, np.float32))


def _opinions(comparison: Comparison, judge: Dnsmos) -> dict[str, float]:
    found: dict[str, float] = {}
    for when, sound in (("before", comparison.before), ("after", comparison.after)):
        opinion = judge(soxr.resample(sound, SAMPLE_RATE, DNSMOS_RATE))
        found |= {f"dnsmos_{what}_{when}": round(value, 2) for what, value in asdict(opinion).items()}
    return found


def levels_db(sound: Float32) -> NDArray[np.float64]:
    """Return the level of each 10 ms."""
    frames = np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME).astype(np.float64)
    levels: NDArray[np.float64] = np.maximum(10 * np.log10(np.mean(frames**2, axis=1) + 1e-20), QUIETEST_DB)
    return levels


def spectrogram_db(sound: Float32) -> NDArray[np.float64]:
    """[frequencies, frames], 0 dB a sine of full scale."""
    padded = np.pad(sound, (0, max(0, _WINDOW - len(sound))))
    window = np.hanning(_WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2] * window
    decibels: NDArray[np.float64] = 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)).T * 2 / window.sum() + 1e-9)
    return decibels


def draw(comparison: Comparison, title: str, target: Path) -> None:
    """Spectrograms before and after, level curves, and the local SNR that the network sees. Raises UnusableFile."""
    mpl.use("Agg")
    figure = Figure(figsize=(12, 10), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=(3, 3, 2, 1))
    for axis, name, sound in ((axes[0], "before", comparison.before), (axes[1], "after", comparison.after)):
        extent = (0, len(sound) / SAMPLE_RATE, 0, SAMPLE_RATE / 2)
        axis.imshow(spectrogram_db(sound), aspect="auto", origin="lower", extent=extent, vmin=QUIETEST_DB, vmax=-20, cmap="magma")
        axis.set(ylabel=f"{name}\nHz", ylim=(0, HIGHEST_HZ))
    times = np.arange(len(levels_db(comparison.before))) * FRAME_S
    axes[2].plot(times, levels_db(comparison.before), label="before", linewidth=0.7, color="tab:gray")
    axes[2].plot(times, levels_db(comparison.after), label="after", linewidth=0.7, color="tab:blue")
    axes[2].set(ylabel="level\ndBFS", ylim=(QUIETEST_DB, 0))
    axes[2].legend(loc="upper right")
    axes[3].plot(times[: len(comparison.lsnr_db)], comparison.lsnr_db, linewidth=0.7, color="tab:green")
    axes[3].set(ylabel="local SNR\ndB", ylim=(-16, 36), xlabel="s")
    figure.suptitle(title)
    try:
        figure.savefig(target, dpi=120)
    except (OSError, ValueError) as error:
        raise UnusableFile(f"{target} cannot be written: {error}") from error
