import os
import re
import subprocess

import pytest

from launcher.settings import ROOT
from launcher.setup import livekit_server

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_audio_server_of_the_image_is_the_version_that_was_tested_by_its_digest():
    assert re.search(
        rf"^FROM livekit/livekit-server:v{livekit_server.VERSION}@sha256:[0-9a-f]{{64}} AS", DOCKERFILE, re.MULTILINE
    )


def test_every_python_package_of_the_image_is_compared_with_its_hash():
    installs = re.findall(r"pip (?:install|sync)[^&\n]*", DOCKERFILE)
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line] == []


def pin(tmp_path, answer):
    """Runs the script with a registry that gives this answer, and returns its exit status and the Dockerfile that it leaves."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho '{answer}'\n")
    docker.chmod(0o755)
    copy = tmp_path / "Dockerfile"
    copy.write_text(DOCKERFILE)
    environment = {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci" / "pin-images", copy], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, copy.read_text()


def test_pinning_gives_every_image_its_digest_and_changes_nothing_else(tmp_path):
    digest = f"sha256:{'1f' * 32}"
    status, pinned = pin(tmp_path, digest)
    assert status == 0
    images = re.findall(r"^FROM (\S+:\S+)", pinned, re.MULTILINE)
    assert [image.partition("@")[2] for image in images] == [digest] * 2
    assert re.sub("@sha256:[0-9a-f]+", "", pinned) == re.sub("@sha256:[0-9a-f]+", "", DOCKERFILE)


@pytest.mark.parametrize("answer", ["", "manifest unknown", "sha256:short"])
def test_an_answer_that_is_no_digest_is_not_written(tmp_path, answer):
    assert pin(tmp_path, answer) == (1, DOCKERFILE)
