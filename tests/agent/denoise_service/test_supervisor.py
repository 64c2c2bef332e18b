"""The real denoising process: found, killed, started again, ended, and what is left of it afterwards."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from agent.denoise import Denoiser
from agent.denoise.engine import MODEL
from agent.denoise.spectrum import HOP, SAMPLE_RATE
from agent.denoise_service import link as denoise_service_link
from agent.denoise_service.client import SharedDenoiser
from agent.denoise_service.link import Link, hello
from agent.denoise_service.shared_memory import slot_record
from agent.denoise_service.supervisor import DenoisingProcess
from tests.agent.denoising import ROUNDING, Job, noise, sine, speech, until

NOBODY = 65_534
LONG = 10_000  # hops: more than any wait takes


@pytest.fixture(scope="module")
def denoiser():
    return Denoiser.load()


@pytest.fixture(scope="module")
def record(denoiser):
    return slot_record(denoiser.engine(1).voice(0))


@pytest.fixture
async def process():
    async with DenoisingProcess(slots=3) as running:
        yield running


async def python(code, *arguments):
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE)


def mappings(name):
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if name in line]


def files_of(pid):
    """Everything that a process has open or mapped. What it closes while this looks is not among it."""
    descriptors = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            descriptors.append(os.readlink(file))
    mapped = [line.split(maxsplit=5)[5] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if len(line.split()) > 5]
    return descriptors + mapped


def names():
    return Path("/proc/net/unix").read_text()


def shown(address):
    """As /proc/net/unix shows an abstract name."""
    return "@" + address[1:].decode()


@pytest.mark.parametrize("sound", [sine, noise, speech])
async def test_killed_in_the_middle_of_a_sound_nothing_is_heard_of_it_and_the_voice_returns(denoiser, process, sound):
    hops = iter(sound(LONG))
    job = Job.of(denoiser, process.address)
    await job.feed_until(lambda: job.stream.shared, hops)
    for _ in range(50):
        await job.feed_and_wait(next(hops))
    assert job.stream.shared

    job.feed(next(hops))  # offered, and not answered
    os.kill(process.pid, signal.SIGKILL)
    began = time.thread_time()
    job.feed(next(hops))
    assert time.thread_time() - began < HOP / SAMPLE_RATE
    for _ in range(20):
        job.feed(next(hops))
    assert not job.stream.shared

    await job.feed_until(lambda: job.stream.shared, hops)
    own_hops = job.stream.own_hops
    for _ in range(50):
        await job.feed_and_wait(next(hops))
    assert job.stream.own_hops - own_hops < 25
    assert job.difference <= ROUNDING


async def test_a_process_that_hangs_costs_a_hop_and_gets_the_voice_back_when_it_goes_on(denoiser, process):
    hops = iter(speech(LONG))
    job = Job.of(denoiser, process.address)
    await job.feed_until(lambda: job.stream.shared, hops)
    os.kill(process.pid, signal.SIGSTOP)
    for _ in range(100):
        job.feed(next(hops))
    assert not job.stream.shared
    os.kill(process.pid, signal.SIGCONT)
    await job.feed_until(lambda: job.stream.shared, hops)
    await job.feed_until(lambda: job.link.slot().idle, hops)
    assert job.difference <= ROUNDING


def huge_bytes(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * int(rollup.split("AnonHugePages:")[1].split()[0])


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text(), reason="this system has no huge pages")
async def test_the_weights_lie_in_huge_pages(denoiser, process):
    job = Job.of(denoiser, process.address)
    await job.feed_until(lambda: job.stream.shared, noise(LONG))
    assert huge_bytes(process.pid) > MODEL.stat().st_size / 2  # the rest lies between two pages, or there was none free


async def test_a_job_that_stalls_holds_up_nobody(denoiser, process):
    stalled, *others = [Job.of(denoiser, process.address) for _ in range(3)]
    for job in (stalled, *others):
        await job.feed_until(lambda job=job: job.stream.shared, noise(LONG))
    for hop in speech(50):
        for job in others:
            job.feed(hop)
        await until(lambda: all(job.answered for job in others), within_s=5)
        await asyncio.sleep(HOP / SAMPLE_RATE)
    for hop in noise(20):
        await stalled.feed_and_wait(hop)
    assert max(job.difference for job in (stalled, *others)) <= ROUNDING


async def test_a_job_that_dies_frees_its_slot(denoiser, record):
    async with DenoisingProcess(slots=1) as process:
        child = await python(HOLD_A_SLOT, process.address.hex())
        assert await child.stdout.readline() == b"seated\n"
        job = Job.of(denoiser, process.address)
        for hop in noise(30):
            await job.feed_and_wait(hop)
            await asyncio.sleep(HOP / SAMPLE_RATE)
        assert not job.stream.shared  # no slot is free: the job works by itself
        child.kill()
        await child.wait()
        await job.feed_until(lambda: job.stream.shared, noise(LONG))
        assert job.difference <= ROUNDING


HOLD_A_SLOT = """
import sys, time
from agent.denoise import Denoiser
from agent.denoise.engine import MODEL
from agent.denoise_service.link import Link
from agent.denoise_service.shared_memory import slot_record
engine = Denoiser.load().engine(1)
link = Link(bytes.fromhex(sys.argv[1]), slot_record(engine.voice(0)))
while link.slot() is None:
    time.sleep(0.01)
print("seated", flush=True)
time.sleep(1000)
"""


async def test_a_new_stream_of_a_job_takes_the_place_of_the_one_before(denoiser):
    async with DenoisingProcess(slots=1) as process:
        shared = SharedDenoiser(denoiser, process.address)
        for strength_db in (12, 100):
            stream = shared.stream(strength_db=strength_db)
            for hop in noise(LONG):
                stream.feed(hop)
                await asyncio.sleep(HOP / SAMPLE_RATE)
                if stream.shared:
                    break
            assert stream.shared
        shared.close()


async def test_the_delay_is_one_hop_more_and_the_same_without_the_process(denoiser, process):
    stream = SharedDenoiser(denoiser, process.address).stream(strength_db=100)
    nowhere = SharedDenoiser(denoiser, b"\0nobody-listens-here").stream(strength_db=100)
    assert stream.latency_samples == nowhere.latency_samples == denoiser.stream().latency_samples + HOP
    lengths = [len(nowhere.feed(hop)) for hop in noise(8)]
    assert lengths == [0] * (nowhere.latency_samples // HOP - 1) + [HOP] * 4


async def test_nothing_is_left_of_it_when_the_worker_is_killed(record):
    worker = await python(WORKER)
    pid, address = (await worker.stdout.readline()).decode().split()
    address = bytes.fromhex(address)
    assert shown(address) in names()
    assert (await asyncio.to_thread(answer_to, address, hello(record)))[1] == 1
    files = files_of(int(pid))
    assert any("memfd:stillair-denoise" in file for file in files)
    assert not [file for file in files if file.startswith("/dev/shm")]  # memory with a name would be left
    worker.kill()
    await worker.wait()
    await until(lambda: not alive(int(pid)))
    assert shown(address) not in names()


WORKER = """
import asyncio
from agent.denoise_service.supervisor import DenoisingProcess

async def main():
    async with DenoisingProcess(slots=2) as process:
        while process.pid is None:
            await asyncio.sleep(0.01)
        print(process.pid, process.address.hex(), flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def test_nothing_is_left_of_it_when_the_worker_stops():
    async with DenoisingProcess(slots=2) as process:
        await until(lambda: process.pid is not None)
        pid, address = process.pid, process.address
        assert shown(address) in names()
    assert not alive(pid)
    assert shown(address) not in names()


async def test_a_job_maps_its_own_slot_alone_of_memory_without_a_name(denoiser, process, record):
    job = Job.of(denoiser, process.address)
    await job.feed_until(lambda: job.stream.shared, noise(LONG))
    [mapped] = mappings("stillair-denoise")
    start, end = (int(address, 16) for address in mapped.split()[0].split("-"))
    assert end - start == record.itemsize
    assert mapped.endswith("/memfd:stillair-denoise (deleted)")


# --- who may come in --------------------------------------------------------------------------------------------------------


def answer_to(address, said, within_s=30):
    """What the process answers to a message (None: says nothing)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(within_s)
        client.connect(address)
        if said is not None:
            client.send(said)
        try:
            answer, fds, _, _ = socket.recv_fds(client, 100, 4)
        except ConnectionResetError:  # closed before it was heard
            return b"", 0
        for fd in fds:
            os.close(fd)
        return answer, len(fds)


async def test_who_says_hello_gets_a_slot(process, record):
    answer, fds = await asyncio.to_thread(answer_to, process.address, hello(record))
    assert len(answer) == 4
    assert fds == 1


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0" * 20,
        b"GET / HTTP/1.1",
        b"stillair denoise 1",
        b"x" * 100_000,
        None,
    ],
    ids=["nothing in it", "zeros", "another protocol", "another version", "long", "silent"],
)
async def test_who_says_anything_else_is_sent_away_and_harms_nobody(denoiser, process, said):
    job = Job.of(denoiser, process.address)
    await job.feed_until(lambda: job.stream.shared, noise(LONG))
    assert await asyncio.to_thread(answer_to, process.address, said) == (b"", 0)
    for hop in noise(20):
        await job.feed_and_wait(hop)
    assert job.stream.shared
    assert job.difference <= ROUNDING


async def test_who_goes_on_talking_loses_the_slot(process, record):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(30)
        client.connect(process.address)
        client.send(hello(record))
        assert len(await asyncio.to_thread(client.recv, 100)) == 4
        client.send(b"more")
        assert await asyncio.to_thread(client.recv, 100) == b""


def as_nobody(work):
    """Exit code of `work` run by a child process of another user."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@root
async def test_another_user_is_refused(process, record):
    address = process.address
    await until(lambda: process.pid is not None)
    assert await asyncio.to_thread(as_nobody, lambda: int(answer_to(address, hello(record)) != (b"", 0))) == 0


@root
async def test_a_voice_is_not_handed_to_a_process_of_another_user(record):
    """The name of a process that has died with its worker is free for everybody."""
    read_end, write_end = os.pipe()

    def impostor():
        listener = denoise_service_link.listen()
        os.write(write_end, listener.getsockname())
        connection, _ = listener.accept()
        return int(connection.recv(100) != b"")

    caught = asyncio.create_task(asyncio.to_thread(as_nobody, impostor))
    address = await asyncio.to_thread(os.read, read_end, 200)
    link = Link(address, record)
    assert link.slot() is None
    assert await caught == 0
    assert link.slot() is None
