"""A second factor from end to end: an authenticator app, a passkey of a device that Chromium feigns, a recovery code."""

import time

import pyotp
from playwright.sync_api import expect

from tests.e2e.looks import look
from tests.e2e.people import PASSWORD

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def log_out(alice):
    alice.page.get_by_text("Account menu").locator("..").click()
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("heading", name="Log in")).to_be_visible()


def type_password(alice):
    alice.page.get_by_label("User name").fill(alice.username)
    alice.page.get_by_label("Password").fill(PASSWORD)
    alice.page.get_by_role("button", name="Log in", exact=True).click()
    expect(alice.page.get_by_role("heading", name="Second factor")).to_be_visible()


def expect_home(alice):
    expect(alice.page.get_by_role("heading", name="Quiet in here.")).to_be_visible()


def test_an_app_a_passkey_and_a_recovery_code(instance, arrive):
    named = instance.url.replace("127.0.0.1", "localhost")  # a passkey is bound to a name
    alice = arrive("alice", url=named, viewport={"width": 1280, "height": 900}).register()
    page, main = alice.page, alice.page.get_by_role("main")
    alice.open("/settings/second-factor")
    expect(main.get_by_text("Off. Anyone who knows your password can log in.")).to_be_visible()
    main.get_by_role("button", name="Set up Authenticator app").click()
    expect(main.get_by_role("img", name="QR code")).to_be_visible()
    problems = look(page, "factor-app")
    phone = pyotp.TOTP(main.locator(".key").inner_text())
    page.get_by_label("Code", exact=True).fill(phone.now())
    main.get_by_role("button", name="Turn on").click()
    [code, *_] = page.get_by_label("Your recovery codes").input_value().split()
    problems += look(page, "factor-codes")

    log_out(alice)
    type_password(alice)
    problems += look(page, "second-step")
    unused = phone.at(int(time.time()), counter_offset=1)
    page.get_by_label("Code from your authenticator app").fill(unused)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect_home(alice)

    alice.open("/settings/second-factor")
    devtools = page.context.new_cdp_session(page)  # the device goes when another such session ends, as in `look`
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.get_by_label("Name of a new passkey").fill("Laptop")
    main.get_by_role("button", name="Add a passkey").click()
    expect(main.get_by_role("listitem").filter(has_text="Laptop")).to_contain_text("Never used.")
    log_out(alice)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect_home(alice)
    alice.open("/settings/second-factor")
    expect(main.get_by_role("listitem").filter(has_text="Laptop")).to_contain_text("Last used today")
    problems += look(page, "factor-passkey")

    log_out(alice)
    problems += look(page, "login-passkey")
    type_password(alice)
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("Recovery code").fill(code)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect_home(alice)
    alice.open("/settings/second-factor")
    expect(main.get_by_text("9 codes are left.")).to_be_visible()
    assert not problems, "\n".join(problems)
