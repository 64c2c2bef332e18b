"""What somebody would find who breaks into one of the four programs: its environment, as the system shows it."""

from pathlib import Path

import pytest

from launcher import secrets
from tests.instance import started

CANARIES = {
    "STILLAIR_SMTP_URL": "smtp://air:canary-of-the-mail@127.0.0.1:9",
    "STILLAIR_MAIL_FROM": "air@example.org",
    "PGPASSWORD": "canary-of-the-database",
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    with started(tmp_path_factory.mktemp("secrets"), **CANARIES) as running:
        yield running


def test_each_program_has_the_secrets_that_it_needs_and_no_other(instance):
    made = secrets.load(instance.data, {})
    values = {
        "secret key": made.STILLAIR_SECRET_KEY,
        "web pair": made.LIVEKIT_API_SECRET,
        "noise remover's pair": made.STILLAIR_NOISE_REMOVER_SECRET,
        "mail": "canary-of-the-mail",
        "database": "canary-of-the-database",
    }

    def held_by(pid):
        text = Path(f"/proc/{pid}/environ").read_text()
        return {name for name, value in values.items() if value in text}

    web = {"secret key", "web pair", "mail", "database"}
    pids = instance.supervisor.pids()
    assert {name: held_by(pid) for name, pid in pids.items()} == {
        "audio-server": {"web pair", "noise remover's pair"},
        "web": web,
        "reconciler": web,
        "noise-remover": {"noise remover's pair"},
    }
    assert instance.is_healthy()
