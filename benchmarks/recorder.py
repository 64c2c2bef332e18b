"""What recording costs, what a crash costs and how soon a long recording plays: `python -m benchmarks.recorder`, ten minutes;
parts of it with `--only`.

Peers in the same run: libsndfile by soundfile with a flush each second, and ffmpeg's FLAC muxer by PyAV with a flush of each
packet; for clips, decoding and encoding by PyAV. Speech comes from --speech FILE, Debian's alsa-utils (/usr/share/sounds/alsa) or
the tests.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table
from werkzeug.serving import make_server

from agent.denoise import Denoiser
from agent.recording.files import DiskFile, RecordingFolder
from agent.recording.flac_file import FlacFile, repair
from benchmarks.library import make_app
from benchmarks.writers import RATE, WRITERS, Ours, Sound, Writer, play_into
from contract.recording import RECORDING_AUDIO_AT, RecordingHead, RecordingManifest
from tests.e2e.chromium import Chromium
from webapp.core.database import db
from webapp.recordings import clips, ingest
from webapp.recordings import sound as recording_sound

PARTS = ("size", "cpu", "kills", "repair", "play", "clip")
STREAM_ID = "b" * 32
ALSA_VOICES = Path("/usr/share/sounds/alsa")
OWN_VOICES = Path(__file__).parent.parent / "tests" / "audio" / "voices"


# --- Sound


def speech(path: Path | None) -> Sound:
    files = [path] if path else sorted(ALSA_VOICES.glob("*_*.wav")) or sorted(OWN_VOICES.glob("*.flac"))
    return np.concatenate([_read(file) for file in files])


def _read(path: Path) -> Sound:
    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    return soxr.resample(samples[:, 0], rate, RATE) if rate != RATE else samples[:, 0]


def tile(sound: Sound, seconds: float) -> Sound:
    return np.tile(sound, int(np.ceil(seconds * RATE / len(sound))))[: round(seconds * RATE)]


def to_int16(sound: Sound) -> Sound:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def room_noise(seconds: float, level_db: float) -> Sound:
    return np.random.default_rng(1).standard_normal(round(seconds * RATE)).astype(np.float32) * 10 ** (level_db / 20)


def cleaned(sound: Sound) -> Sound:
    stream = Denoiser.load().stream()
    return np.concatenate((stream.feed(sound), stream.flush()))


# --- Measurements


def cpu_percent(kind: Writer, sound: Sound, folder: Path, *, resumed: bool = False) -> float:
    """Of one core, thread and wake-ups included; the feeding loop itself is taken off."""
    path = folder / f"{'c' * 32}.flac"
    path.unlink(missing_ok=True)
    if resumed:
        first = kind(path)
        play_into(first, sound[:RATE])
        first._recorder.close(finished=False)  # type: ignore[union-attr]
    begin = time.process_time()
    play_into(_Nothing(), sound)  # type: ignore[arg-type]
    idle = time.process_time() - begin
    writer = kind(path)
    begin = time.process_time()
    play_into(writer, sound)
    used = time.process_time() - begin - idle
    writer.close()
    return 100 * used / (len(sound) / RATE)


class _Nothing:
    def write(self, samples: Sound) -> None:
        pass


def megabytes_per_minute(sound: Sound, folder: Path) -> float:
    path = folder / "size.flac"
    path.unlink(missing_ok=True)
    disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
    file = FlacFile(disk, repair(disk))
    file.append(sound)
    file.finish()
    disk.close()
    return (path.stat().st_size - RECORDING_AUDIO_AT) / 1e6 / (len(sound) / RATE / 60)


def _record_until_killed(kind: Writer, path: str, sound: Sound, handed: Synchronized[int]) -> None:
    def told(samples: int) -> None:
        handed.value = samples

    play_into(kind(Path(path)), sound, told)


def kills(kind: Writer, count: int, sound: Sound, folder: Path, seed: int) -> tuple[list[float], int]:
    """Milliseconds of sound lost by each SIGKILL; files that did not show their length before any repair.

    Ours goes on with one and the same file from kill to kill; the peers cannot, and get a new file each time.
    """
    moments = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")  # a fork of this process would inherit its threads' locks
    lost, lengthless = [], 0
    for number in range(count):
        path = folder / (f"{STREAM_ID}.flac" if kind is Ours else f"{number}.flac")
        before = RecordingHead.from_bytes(path.read_bytes()).samples if kind is Ours and path.exists() else 0
        handed = processes.Value("l", 0)
        process = processes.Process(target=_record_until_killed, args=(kind, str(path), sound, handed), daemon=True)
        process.start()
        while handed.value == 0:
            time.sleep(0.001)
        time.sleep(moments.uniform(0.1, 2.0))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        lengthless += not _shows_length(path, handed.value)
        kept = _sound_kept(path, before) if kind is Ours else _decodable(path)
        lost.append(1000 * (handed.value - kept) / RATE)
    return lost, lengthless


def _shows_length(path: Path, handed: int) -> bool:
    """To one second, without reading the whole file."""
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return handed < RATE and path.stat().st_size == 0
    return 0 < info.frames < 1 << 40 and (path.name.startswith("b") or abs(info.frames - handed) < 1.5 * RATE)


def _sound_kept(path: Path, before: int) -> int:
    """Samples of the last run, behind the silence of the time in between."""
    disk = DiskFile(os.open(path, os.O_RDWR))
    repair(disk)
    disk.close()
    if not path.stat().st_size:
        return 0
    samples = soundfile.read(str(path), dtype="int16", start=before)[0]
    return len(np.trim_zeros(samples, "f"))


def _decodable(path: Path) -> int:
    try:
        with av.open(str(path)) as container:
            return sum(frame.samples for frame in container.decode(audio=0))
    except av.error.FFmpegError:
        return 0


def repair_times(hours: float, sound: Sound, folder: Path) -> tuple[float, float, float]:
    """MB of a long file; seconds for the repair after a kill, and for one whose header is destroyed, too."""
    minute = tile(sound, 60)
    disk, file = long_file(folder / "long.flac", hours, minute)
    file.append(minute[: 2 * RATE])  # two seconds behind the last checkpoint, and a torn frame
    file.drain()
    disk.write_at(bytes(3000), file.end)
    begin = time.perf_counter()
    found = repair(disk)
    after_kill = time.perf_counter() - begin
    assert found.head.samples // 4608 == (round(hours * 60) * 60 + 2) * RATE // 4608
    disk.write_at(bytes(RECORDING_AUDIO_AT), 0)
    begin = time.perf_counter()
    assert repair(disk).head.samples == found.head.samples
    without_header = time.perf_counter() - begin
    disk.close()
    return (folder / "long.flac").stat().st_size / 1e6, after_kill, without_header


def long_file(path: Path, hours: float, minute: Sound) -> tuple[DiskFile, FlacFile]:
    """The same minute again and again."""
    disk = DiskFile(os.open(path, os.O_RDWR | os.O_CREAT))
    file = FlacFile(disk, repair(disk))
    for _ in range(round(hours * 60)):
        file.append(minute)
        file.drain()
    file.checkpoint()
    return disk, file


FIRST_SOUND = """async ([url, at]) => {
    const begin = performance.now();
    const sound = new Audio(url);
    sound.currentTime = at;
    await sound.play();
    await new Promise((done) => { sound.ontimeupdate = () => { if (sound.currentTime > at) done(); }; });
    const taken = performance.now() - begin;
    sound.pause();
    sound.removeAttribute("src");
    sound.load();
    return taken;
}"""


def first_sounds(hours: float, sound: Sound, folder: Path, places: Sequence[float], repeats: int) -> dict[float, list[float]]:
    """Milliseconds from the press on Play until Chromium plays, by the place it starts from (0 to 1 of the whole), over HTTP
    from the web app on this machine."""
    recording = "c" * 32
    recordings = folder / "site" / "recordings"
    recordings.mkdir(parents=True)
    disk, file = long_file(recordings / f"{recording}.flac", hours, tile(sound, 60))
    file.finish()
    disk.close()
    manifest = RecordingManifest(recording, "alice", "A day", "2026-01-02T03:04:05Z", "closed", file.position)
    RecordingFolder(recordings).write_manifest(manifest)
    autoplay = "--autoplay-policy=no-user-gesture-required"
    with (
        serving(recordings.parent) as (url, cookie),
        sync_playwright() as playwright,
        Chromium(playwright, folder).launch(autoplay, has_microphone=False) as browser,
    ):
        context = browser.new_context()
        context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": url}])
        page = context.new_page()
        page.goto(f"{url}/api/session")
        return {
            place: [page.evaluate(FIRST_SOUND, [f"/recordings/{recording}/audio", place * hours * 3600]) for _ in range(repeats)]
            for place in places
        }


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """The web app on this data; its address, and name and value of Alice's cookie."""
    app = make_app(data)
    client = app.test_client()
    token = (client.get("/api/session").json or {})["csrf_token"]
    account = {"username": "alice", "password": "correct horse battery"}
    client.post("/api/register", json=account, headers={"X-CSRF-Token": token})
    with app.app_context():
        ingest.ingest()
    name = app.config["SESSION_COOKIE_NAME"]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", (name, getattr(client.get_cookie(name), "value", ""))
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()


def clip_times(sound: Sound, folder: Path) -> dict[str, float]:
    """Seconds for an hour of a longer recording, by the place it begins at; each is compared with the whole, sample by sample."""
    whole, clip = folder / "whole.flac", folder / "clip.flac"
    disk, file = long_file(whole, 1.1, tile(sound, 60))
    file.finish()
    disk.close()
    taken = {}
    for words, start in (("at a frame", 100 * 4608), ("within a frame", 100 * 4608 + 1000)):
        with recording_sound.Sound(os.open(whole, os.O_RDONLY)) as source, clip.open("wb") as made:
            begin = time.perf_counter()
            head = clips.write(source, clips.Piece(start, start + 3600 * RATE), made)
            made.seek(0)
            made.write(head.to_header())
            taken[words] = time.perf_counter() - begin
        with soundfile.SoundFile(str(whole)) as one, soundfile.SoundFile(str(clip)) as other:
            one.seek(start)
            assert all(np.array_equal(one.read(len(block), "int16"), block) for block in other.blocks(RATE * 60, dtype="int16"))
    begin = time.perf_counter()
    _encode_again(clip)
    return {**taken, "all encoded again, by PyAV": time.perf_counter() - begin}


def _encode_again(path: Path) -> None:
    encoder = av.CodecContext.create("flac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            if frame.samples == 4608:
                encoder.encode(frame)


# --- Report


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--speech", type=Path, help="a sound file with speech")
    arguments.add_argument("--seconds", type=float, default=20, help="of sound for the CPU measurement")
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--peer-kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments.add_argument("--hours", type=float, default=3, help="length of the file to repair")
    arguments.add_argument("--folder", type=Path, help="on the disk to measure; default: the system's for temporary files")
    options = arguments.parse_args()
    console = Console()
    voice = speech(options.speech)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Table]] = {
            "size": lambda: _sizes(voice, folder),
            "cpu": lambda: _cpu(to_int16(tile(voice, options.seconds)), folder),
            "kills": lambda: _kills(options.kills, options.peer_kills, folder, options.seed),
            "repair": lambda: _repair(options.hours, to_int16(voice), folder),
            "play": lambda: _play(options.hours, to_int16(voice), folder),
            "clip": lambda: _clip(to_int16(voice), folder),
        }
        for part in options.only:
            console.print(parts[part]())


def _sizes(voice: Sound, folder: Path) -> Table:
    table = Table("sound, 1 minute", "MB per minute", title="Size")
    minute = tile(voice, 60)
    table.add_row("speech as recorded in a studio", f"{megabytes_per_minute(to_int16(minute), folder):.2f}")
    noisy = minute + room_noise(60, -45)
    table.add_row("speech in a noisy room (-45 dB)", f"{megabytes_per_minute(to_int16(noisy), folder):.2f}")
    table.add_row("the same with the noise removed", f"{megabytes_per_minute(to_int16(cleaned(noisy)), folder):.2f}")
    table.add_row("digital silence", f"{megabytes_per_minute(np.zeros(60 * RATE, np.int16), folder):.3f}")
    table.add_row("white noise (-20 dB)", f"{megabytes_per_minute(to_int16(room_noise(60, -20)), folder):.2f}")
    return table


def _cpu(sound: Sound, folder: Path) -> Table:
    table = Table("writer", "% of a core per stream", title="CPU, speech in real time")
    for kind in WRITERS:
        table.add_row(kind.name, f"{cpu_percent(kind, sound, folder):.2f}")
    table.add_row("Stillair, a resumed recording", f"{cpu_percent(Ours, sound, folder, resumed=True):.2f}")
    return table


def _kills(count: int, peer_count: int, folder: Path, seed: int) -> Table:
    table = Table("writer", "kills", "lost p50", "lost max", "no length before repair", title="SIGKILL at random moments")
    sound = to_int16(room_noise(10, -30))
    sound[sound == 0] = 1  # silence that was filled in can be told apart
    for kind in WRITERS:
        number = count if kind is Ours else peer_count
        if not number:
            continue
        lost, lengthless = kills(kind, number, sound, folder, seed)
        middle, most = statistics.median(lost), max(lost)
        table.add_row(kind.name, str(number), f"{middle:.0f} ms", f"{most:.0f} ms", f"{lengthless} of {number}")
    return table


def _repair(hours: float, sound: Sound, folder: Path) -> Table:
    size, after_kill, without_header = repair_times(hours, sound, folder)
    table = Table("what", "time", title=f"Repair of a file of {hours:g} h, {size:.0f} MB")
    table.add_row("killed 2 s after its last checkpoint", f"{1000 * after_kill:.0f} ms")
    table.add_row("its header destroyed, too", f"{1000 * without_header:.0f} ms")
    return table


def _play(hours: float, sound: Sound, folder: Path) -> Table:
    table = Table("from", "p50", "slowest", title=f"Time to first sound of {hours:g} h in Chromium")
    for place, taken in first_sounds(hours, sound, folder, (0, 0.5, 0.99), 10).items():
        table.add_row(f"{place:.0%}", f"{statistics.median(taken):.0f} ms", f"{max(taken):.0f} ms")
    return table


def _clip(sound: Sound, folder: Path) -> Table:
    table = Table("it begins", "time", title="A clip of an hour")
    for words, taken in clip_times(sound, folder).items():
        table.add_row(words, f"{taken:.1f} s")
    return table


if __name__ == "__main__":
    main()
