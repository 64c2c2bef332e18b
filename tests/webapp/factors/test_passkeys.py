"""Passkeys, shown by a device that is written here and that lies in every way a thief could. Real ones are in tests/e2e."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import select
from webauthn.helpers import bytes_to_base64url as encoded

from tests.webapp.conftest import PASSWORD
from tests.webapp.factors.test_confirmation import let_ten_minutes_pass
from tests.webapp.support.forms import submit
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.factors import passkeys
from webapp.models import AuditEntry, Passkey, RecoveryCode, now

PATH = "/settings/second-factor"
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


@dataclass
class Device:
    """Holds one key, and shows it as a browser would hand it on."""

    origin: str = "http://localhost:8000"
    site: str = "localhost"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    id: bytes = field(default_factory=lambda: token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> str:
        public = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | WITH_KEY) + attested}
        client = self._client("webauthn.create", options)
        return self._credential(clientDataJSON=encoded(client), attestationObject=encoded(cbor2.dumps(statement)))

    def show(self, options: dict[str, Any]) -> str:
        self.count += 1
        data, client = self._data(self.flags), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential(clientDataJSON=encoded(client), authenticatorData=encoded(data), signature=encoded(signature))

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _credential(self, **response: str) -> str:
        return json.dumps({"id": encoded(self.id), "rawId": encoded(self.id), "type": "public-key", "response": response})


def options(person, kind: str = "request") -> dict[str, Any]:
    answer = person.post(f"/api/passkeys/{kind}-options")
    assert answer.status_code == 200
    return answer.json["options"]


def add(person, device: Device, name: str = "Phone"):
    return submit(person, f"{PATH}/passkeys", name=name, passkey=device.make(options(person, "creation")))


def log_in(person, device: Device, **lies):
    honest = device.__dict__ | {}
    vars(device).update(lies)
    shown = device.show(options(person))
    vars(device).update({name: honest[name] for name in lies})
    return submit(person, "/login/passkey?next=/recordings", passkey=shown)


def is_in(person) -> bool:
    return person.get("/api/session").json["user"] is not None


@pytest.fixture
def phone(alice) -> Device:
    """Alice's, which she has added."""
    device = Device()
    assert add(alice, device).status_code == 201
    return device


def test_a_passkey_alone_logs_in(alice, phone, visit):
    browser = visit("nobody")
    assert log_in(browser, phone).request.path == "/recordings"
    assert browser.get("/api/session").json["user"]["username"] == "alice"
    assert "Last used today" in alice.get(f"{PATH}/").text


def test_with_a_passkey_the_password_alone_is_not_enough(app, alice, phone, visit):
    browser = visit("alice")
    page = submit(browser, "/login", username="alice", password=PASSWORD)
    assert page.request.path == "/login/second-step"
    assert not is_in(browser)
    assert log_in(browser, phone).request.path == "/recordings"
    with app.app_context():
        assert len(db.session.scalars(select(RecoveryCode)).all()) == 10
        added = select(AuditEntry).where(AuditEntry.act == "factor.added")
        assert [entry.detail for entry in db.session.scalars(added)] == ["passkey"]


def test_the_browser_is_asked_to_ask_for_a_finger_or_a_pin(alice, visit):
    wanted = options(alice, "creation")
    assert wanted["authenticatorSelection"] == {
        "residentKey": "required", "requireResidentKey": True, "userVerification": "required"
    }  # fmt: skip
    assert wanted["rp"] == {"name": "Stillair", "id": "localhost"}
    assert "alice" not in str(wanted["user"]["id"])
    assert options(visit("nobody"))["userVerification"] == "required"


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "http://evil.example"},
        {"origin": "https://localhost:8000"},
        {"site": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"id": b"of nobody"},
    ],
)
def test_what_was_made_for_another_site_or_without_a_finger_opens_nothing(alice, phone, visit, lies):
    browser = visit("thief")
    assert log_in(browser, phone, **lies).status_code == 422
    assert not is_in(browser)


def test_a_challenge_counts_once_even_with_the_cookie_of_before(alice, phone, visit):
    browser = visit("nobody")
    shown = phone.show(options(browser))
    cookies = dict(browser.client._cookies)
    assert submit(browser, "/login/passkey", passkey=shown).request.path == "/"
    assert submit(browser, "/login/passkey", passkey=shown).status_code in (403, 422)
    thief = visit("thief")
    thief.client._cookies = cookies
    phone.count = 0  # as devices do that keep no count
    assert submit(thief, "/login/passkey", csrf_token=browser.csrf_token, passkey=shown).status_code == 422
    assert not is_in(thief)


def test_a_challenge_is_for_one_browser_and_five_minutes(alice, phone, visit):
    browser, other = visit("nobody"), visit("nobody")
    shown = phone.show(options(browser))
    assert submit(other, "/login/passkey", passkey=shown).status_code == 422
    with browser.client.session_transaction() as session:
        at = (now() - passkeys.LIFETIME - timedelta(seconds=1)).isoformat()
        session[passkeys.KEY] = {**session[passkeys.KEY], "at": at}
    page = submit(browser, "/login/passkey", passkey=shown)
    assert page.status_code == 422
    assert "That took too long." in page.text


def test_a_copied_device_is_noticed_by_its_count(alice, phone, visit):
    assert log_in(visit("nobody"), phone).request.path == "/recordings"
    phone.count -= 1
    assert log_in(visit("nobody"), phone).status_code == 422


def test_a_removed_passkey_opens_nothing(app, alice, phone, visit):
    with app.app_context():
        passkey_id = db.session.scalar(select(Passkey.id))
    page = submit(alice, f"{PATH}/passkeys/{passkey_id}/remove")
    assert "Off. Anyone" in page.text
    assert "unknown here" in log_in(visit("nobody"), phone).text
    visit("alice").log_in()


def test_nobody_removes_the_passkey_of_somebody_else(app, alice, bob, phone):
    with app.app_context():
        passkey_id = db.session.scalar(select(Passkey.id))
    assert submit(bob, f"{PATH}/passkeys/{passkey_id}/remove").status_code == 404


def test_a_passkey_is_added_once_with_a_name_and_not_in_any_number(alice, bob, phone):
    assert add(alice, phone, "Again").status_code == 409
    assert add(bob, phone, "Stolen").status_code == 409
    assert add(alice, Device(), " \u200b").status_code == 422
    assert add(alice, Device(flags=PRESENT)).status_code == 422
    assert add(alice, Device(origin="http://evil.example")).status_code == 422
    for _ in range(passkeys.MAX_PASSKEYS - 1):
        assert add(alice, Device()).status_code == 200
    assert "You have 20 passkeys." in add(alice, Device()).text


@pytest.mark.parametrize("by", [None, "bob"])
def test_it_confirms_for_its_owner_alone(app, alice, bob, phone, by):
    device = Device() if by else phone
    if by:
        add(bob, device)
    let_ten_minutes_pass(app)
    assert alice.post("/api/passkeys/creation-options").json["error"]["code"] == "confirmation_required"
    form = {"name": "Script", "scopes": "read", "days": "30"}
    assert "Confirm with a passkey" in submit(alice, "/settings/tokens", **form).text
    page = submit(alice, "/settings/tokens", **form, confirm_passkey=device.show(options(alice)))
    assert page.status_code == (422 if by else 201)


def test_somebody_suspended_stays_out(app, alice, phone, visit):
    with app.app_context():
        accounts.find("alice").suspended_at = now()
        db.session.commit()
    browser = visit("nobody")
    assert log_in(browser, phone).status_code == 403
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://localhost:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://air.example.org", "https://air.example.org"),
        ("http://192.168.1.5:8000", None),
    ],
)
def test_passkeys_are_bound_to_the_public_address(alice, make_app, public_url, origin):
    app = make_app(public_url=public_url)
    with app.app_context():
        assert passkeys.origin() == origin
    page = app.test_client().get("/login", base_url="https://localhost" if app.config["STILLAIR"].tls else None).text
    assert f'data-origin="{origin or ""}"' in page


@pytest.mark.parametrize("sent", ["", "x", "[]", "{}", '{"id": 1}', '{"id": "AAAA"}', '{"id": null}', "[" * 10_000])
def test_whatever_is_sent_is_refused_politely(alice, phone, visit, sent):
    browser = visit("nobody")
    options(browser)
    assert submit(browser, "/login/passkey", passkey=sent).status_code == 422
    options(alice, "creation")
    assert submit(alice, f"{PATH}/passkeys", name="x", passkey=sent).status_code == 422
