"""Mail, given to a real mail server."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import quote

import pytest

from tests.webapp.support.post_office import NAME, PASSWORD, USER, PostOffice, certificate, tls
from webapp.core import mail
from webapp.core.errors import Invalid

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
LOGIN = f"{quote(USER)}:{quote(PASSWORD)}@"


@pytest.fixture
def pem(tmp_path):
    return certificate(tmp_path)


@pytest.fixture
def trusted(pem, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))


@pytest.fixture
def send(make_app):
    def send(url: str) -> None:
        app = make_app(smtp_url=url, mail_from="Stillair <air@example.org>")
        with app.app_context():
            mail.send("bob@example.org", "Grüße", "Hello Bob,\n\nthis is a letter with ü.\n")

    return send


def test_a_letter_arrives_as_it_was_written(send):
    with PostOffice() as office:
        send(f"smtp://127.0.0.1:{office.port}")
    [letter] = office.letters
    assert (letter["From"], letter["To"], letter["Subject"]) == ("Stillair <air@example.org>", "bob@example.org", "Grüße")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@example.org>")
    assert letter.get_content().splitlines() == ["Hello Bob,", "", "this is a letter with ü."]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_elsewhere_gets_password_and_letter_by_tls(send, pem, trusted, scheme):
    context = tls(pem)
    options = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    office = PostOffice(**options, auth_required=True, auth_require_tls=scheme == "smtp")
    office.SMTP_kwargs["authenticator"] = office.check_login
    with office:
        send(f"{scheme}://{LOGIN}{NAME}:{office.port}")
    assert office.logins == [PASSWORD.encode()]
    assert len(office.letters) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_one_whose_certificate_nobody_knows_gets_nothing(send, pem, scheme):
    context = tls(pem)
    office = PostOffice(**{"ssl_context" if scheme == "smtps" else "tls_context": context}, auth_require_tls=False)
    office.SMTP_kwargs["authenticator"] = office.check_login
    with office, pytest.raises(mail.MailRefused) as caught:
        send(f"{scheme}://{LOGIN}{NAME}:{office.port}")
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert (office.logins, office.letters) == ([], [])


def test_one_elsewhere_without_tls_gets_nothing(send):
    office = PostOffice(auth_require_tls=False)
    office.SMTP_kwargs["authenticator"] = office.check_login
    with office, pytest.raises(mail.MailRefused):
        send(f"smtp://{LOGIN}{NAME}:{office.port}")
    assert (office.logins, office.letters) == ([], [])


def test_a_server_that_says_no_hangs_or_is_not_there_is_said_so(send, monkeypatch):
    with PostOffice() as office:
        office.refusing = True
        with pytest.raises(mail.MailRefused):
            send(f"smtp://127.0.0.1:{office.port}")
    with pytest.raises(mail.MailRefused):
        send(f"smtp://127.0.0.1:{office.port}")  # it is gone
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(mail.MailRefused):
        send(f"smtp://127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize("address", ["bob@example.org", "b.o+b@localhost", " bob@example.org "])
def test_addresses(app, address):
    with app.test_request_context():
        assert mail.checked_address(address) == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "bob",
        "@example.org",
        "bob@",
        "bob@example.org, eve@example.org",
        "bob@example.org\nBcc: eve@example.org",
        "bob @example.org",
        "Bob <bob@example.org>",
        "bob@exa_mple.org",
        "bob@-.",
        "bób@example.org",
        "b" * 65 + "@example.org",
        "bob@" + "a." * 200 + "org",
        "bob@example.org\x00",
    ],
)
def test_what_is_no_address_is_refused(app, address):
    with app.test_request_context(), pytest.raises(Invalid):
        mail.checked_address(address)


def test_no_address_is_none(app):
    with app.test_request_context():
        assert mail.checked_address("  ") is None
