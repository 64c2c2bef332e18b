from __future__ import annotations

import re

import pytest


def save(person, page: str, **fields):
    return person.client.post(f"/settings/{page}", data={"csrf_token": person.csrf_token, **fields}, follow_redirects=True)


def colours(page: str) -> tuple[str, list[str]]:
    """The theme that stands on the root, and the colours that a phone puts around the page."""
    root = re.search(r"<html[^>]*>", page)[0]
    theme = re.search(r'data-theme="(\w+)"', root)
    return theme[1] if theme else "", re.findall(r'name="theme-color".* content="(#\w+)"', page)


def test_the_system_decides_the_colours_until_somebody_does(alice, anonymous):
    assert colours(alice.get("/").text) == colours(anonymous.get("/login").text) == ("", ["#f1f6f6", "#121f25"])
    assert 'name="color-scheme" content="light dark"' in alice.get("/").text


@pytest.mark.parametrize(("theme", "colour"), [("light", "#f1f6f6"), ("dark", "#121f25")])
def test_a_chosen_theme_stands_on_every_page_before_any_script(alice, visit, theme, colour):
    assert "Saved." in save(alice, "appearance", theme=theme).text
    for person, path in ((alice, "/"), (alice, "/settings/appearance"), (alice, "/nothing-here"), (visit("alice").log_in(), "/")):
        page = person.get(path).text
        assert colours(page) == (theme, [colour])
        assert f'name="color-scheme" content="{theme}"' in page
    assert colours(save(alice, "appearance", theme="system").text)[0] == ""


@pytest.mark.parametrize("theme", ["", "sepia", 'dark"><script>', "x" * 100])
def test_there_are_no_other_themes(alice, theme):
    answer = save(alice, "appearance", theme=theme)
    assert answer.status_code == 422
    assert "Choose one of the three options." in answer.text
    assert colours(alice.get("/").text)[0] == ""


def test_keyboard_shortcuts_can_be_switched_off(alice):
    assert 'name="shortcuts" content="on"' in alice.get("/").text
    assert "Saved." in save(alice, "keyboard").text
    assert 'name="shortcuts" content="off"' in alice.get("/").text
    save(alice, "keyboard", shortcuts="on")
    assert 'name="shortcuts" content="on"' in alice.get("/").text
