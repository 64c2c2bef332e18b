from datetime import datetime, timedelta

import pytest

from contract.settings import ConfigError
from webapp.core.config import SECURITY_CONTACT
from webapp.models import now

PATH = "/.well-known/security.txt"


def fields(answer):
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    return dict(line.split(": ", 1) for line in answer.text.splitlines())


def test_it_says_whom_to_tell_and_is_never_out_of_date(make_app):
    app = make_app(security_contact="mailto:safe@example.org", public_url="https://air.example.org")
    told = fields(app.test_client().get(PATH, base_url="https://air.example.org"))
    assert told["Contact"] == "mailto:safe@example.org"
    assert told["Canonical"] == "https://air.example.org/.well-known/security.txt"
    assert timedelta(days=7) < datetime.fromisoformat(told["Expires"]) - now() < timedelta(days=365)


def test_without_a_contact_there_is_none(anonymous):
    assert anonymous.get(PATH).status_code == 404


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("safe@example.org", "mailto:safe@example.org"),
        ("mailto:safe@example.org", "mailto:safe@example.org"),
        ("https://example.org/safe", "https://example.org/safe"),
    ],
)
def test_a_contact_is_shown_as_an_address_that_programs_understand(given, shown):
    assert SECURITY_CONTACT.check(given) == shown


@pytest.mark.parametrize(
    "given", ["me", "http://example.org", "javascript:alert(1)", "a@b\nExpires: 1970", "https://a b", "a b@example.org"]
)
def test_a_contact_that_is_none_is_refused(given):
    with pytest.raises(ConfigError, match=r"STILLAIR_SECURITY_CONTACT is .* not a mail address"):
        SECURITY_CONTACT.check(given)
