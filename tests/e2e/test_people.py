"""Pictures, blocking, colours and keys, in real browsers; and how their pages look."""

import pytest
from playwright.sync_api import expect

from tests.e2e.looks import look
from tests.webapp.support.pictures import noise_file, picture_file

LONG_LINE = "I tell you what the garden does, and what the neighbours say it does, and who of them is right."
DESK = {"width": 1280, "height": 900}


def choose_picture(person, picture: bytes, name: str = "me.jpg") -> None:
    person.open("/settings/")
    person.page.get_by_label("Choose a picture").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": picture})
    person.page.wait_for_function("() => document.querySelector('#avatar').files[0]?.size < 200_000")  # made small
    person.page.get_by_role("button", name="Use this picture").click()


def test_a_large_photograph_reaches_the_pages_that_are_open(friends):
    alice, bob = friends
    bob.open(f"/listen/{alice.username}")
    photograph = noise_file()
    assert len(photograph) > 2 * 2**20
    choose_picture(alice, photograph)
    expect(alice.page.get_by_text("Saved. Friends see your new picture.")).to_be_visible()
    faces = bob.page.locator(f"[data-face-of={alice.username}] img")
    expect(faces).to_have_count(2)
    for face in faces.all():
        bob.page.wait_for_function("(image) => image.complete && image.naturalWidth === 256", arg=face.element_handle())
    alice.page.get_by_role("button", name="Remove picture").click()
    expect(faces).to_have_count(0)
    expect(bob.page.get_by_role("main").locator("[data-face-of]")).to_have_text("A")


@pytest.mark.alone
def test_a_listener_is_seen_with_his_picture_and_whoever_is_blocked_is_off_within_3_s(friends):
    alice, bob = friends
    choose_picture(bob, picture_file())
    expect(bob.page.get_by_text("Saved. Friends see your new picture.")).to_be_visible()
    alice.go_live()
    bob.listen_to(alice)
    bob.hears_speech(within_s=10)
    listener = alice.page.get_by_role("region", name="1 listening").get_by_role("listitem")
    expect(listener).to_have_text(bob.username)
    alice.page.wait_for_function("(image) => image.naturalWidth === 256", arg=listener.locator("img").element_handle())
    on_air = alice.new_tab()
    alice.open("/settings/privacy")
    alice.page.get_by_label("Block a user name").fill(bob.username)
    alice.page.get_by_role("button", name="Block", exact=True).click()
    assert bob.hears_nothing(within_s=3) < 3
    expect(alice.page.get_by_text(f"{bob.username} is blocked and will not be told.")).to_be_visible()
    expect(bob.page.get_by_role("heading", name="You can't listen to this stream.")).to_be_visible()
    expect(bob.page.get_by_role("link", name=f"Listen to {alice.username}")).to_have_count(0)
    expect(on_air.get_by_role("heading", name="Live - noise removed")).to_be_visible()


def test_colours_and_keys_change_without_a_new_document(join):
    alice = join("alice", color_scheme="light")
    alice.open("/settings/appearance")
    root, page = alice.page.locator("html"), alice.page
    page.evaluate("window.sameDocument = true")
    air = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(air) == "rgb(241, 246, 246)"
    page.get_by_role("radio", name="Dark", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(root).to_have_attribute("data-theme", "dark")
    assert page.evaluate(air) == "rgb(18, 31, 37)"
    expect(page.locator("meta[name=theme-color]")).to_have_attribute("content", "#121f25")

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.keyboard.press("/")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("i")
    expect(page.get_by_role("status")).to_have_text("You are not live. Friends live: 0.")
    page.keyboard.press("?")
    dialog.get_by_role("link", name="Switch them off").click()
    page.get_by_role("checkbox", name="Keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("heading", name="Settings").click()
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.get_by_label("Search users")).not_to_be_focused()
    expect(dialog).to_be_hidden()
    expect(page.locator("[aria-keyshortcuts]")).to_have_count(0)
    assert page.evaluate("window.sameDocument")


@pytest.fixture
def nora(join):
    """Registers Nora, who has a picture, a line about herself, a friend with both, and two people blocked."""
    nora, grandma = join("nora", viewport=DESK), join("grandma")
    for person, name, about, colour in (
        (nora, "Nora Lindqvist", "Kitchen radio, Sundays. Bring your own coffee.", (120, 160, 140)),
        (grandma, "Grandma Rosa", LONG_LINE, (190, 140, 90)),
    ):
        person.send("/settings/", display_name=name, about=about)
        picture = picture_file("JPEG", (400, 300), colour)
        person.send("/settings/avatar", avatar={"name": "me.jpg", "mimeType": "image/jpeg", "buffer": picture})
    grandma.befriend(nora)
    for name in ("Mallory", "Bartholomew Featherstonehaugh-Ndiaye"):
        nora.send("/settings/blocked", username=join("blocked").rename(name).username)
    nora.friend = grandma
    return nora


def test_the_pages_of_people_look_like_the_rest(nora, join):
    problems = []
    for name, path in (
        ("settings-profile", "/settings/"),
        ("settings-appearance", "/settings/appearance"),
        ("settings-keyboard", "/settings/keyboard"),
        ("settings-privacy", "/settings/privacy"),
        ("delete-account", "/settings/delete-account"),
        ("home-with-pictures", "/"),
        ("profile", f"/listen/{nora.friend.username}"),
        ("search-blocked", "/search?q=blocked"),
    ):
        nora.open(path)
        problems += look(nora.page, name)
    nora.page.keyboard.press("?")
    problems += look(nora.page, "shortcuts")
    for name, path, field, words, button, problem in (
        ("privacy-refused", "/settings/privacy", "Block a user name", "nobody-here", "Block", "There is no user with this name."),
        ("profile-refused", "/settings/", "About you", "x" * 161, "Save", "Use at most 160 characters."),
    ):
        nora.open(path)
        nora.page.get_by_label(field).evaluate("(field) => field.removeAttribute('maxlength')")
        nora.page.get_by_label(field).fill(words)
        nora.page.get_by_role("button", name=button, exact=True).click()
        expect(nora.page.get_by_text(problem)).to_be_visible()
        problems += look(nora.page, name)
    stranger = join("stranger", viewport=DESK)
    stranger.open(f"/search?q={nora.username}")
    stranger.page.get_by_role("main").get_by_text("More for").locator("..").click()
    problems += look(stranger.page, "search-menu")
    assert not problems, "\n".join(problems)


def test_who_deletes_the_account_disappears_from_pages_that_are_open(friends):
    alice, bob = friends
    alice.open("/")
    expect(alice.in_sidebar(bob)).to_be_visible()
    bob.open("/settings/delete-account")
    bob.page.get_by_role("button", name="Delete my account for good").click()
    expect(bob.page.get_by_text("Your account is deleted. Goodbye.")).to_be_visible()
    expect(alice.in_sidebar(bob)).to_have_count(0)
