from __future__ import annotations

import pytest

from webapp.core.errors import Invalid
from webapp.core.text import KEY_LENGTH, clean, is_encodable, is_visible, search_key, validate_title


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Evening \t show\n", "Evening show"),
        ("bell\x07 null\x00 escape\x1b[31m", "bell null escape[31m"),
        ("\u202etxt.exe\u202c", "txt.exe"),
        ("\u2066left\u2069 \u200fright\u061c", "left right"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\u2028paragraph\u2029end", "line paragraph end"),
        ("half \ud800 surrogate", "half surrogate"),
        ("\x00\u202e", ""),
    ],
)
def test_what_cannot_be_seen_is_removed(raw, cleaned):
    assert clean(raw) == cleaned


@pytest.mark.parametrize("text", ["Zoë & <b>", "日本語の放送", "עברית", "👩‍👩‍👧 family", "e\u0301t\u00e9", "नमस्ते", "می‌خواهم"])
def test_the_writing_of_all_people_stays_as_it_is(text):
    assert clean(text) == text


@pytest.mark.parametrize(("text", "visible"), [("a", True), ("🎙", True), ("", False), (" ", False), ("\u200d", False)])
def test_a_name_needs_something_to_see(text, visible):
    assert is_visible(text) is visible


@pytest.mark.parametrize("text", ["", "\u200d", "\u3164", "\ud83c", "half \ud800", "x" * 121, " " * 121])
def test_what_is_no_title_names_its_field(context, text):
    with pytest.raises(Invalid) as refused:
        validate_title(text, "name")
    assert list(refused.value.fields) == ["name"]


def test_a_title_is_cleaned_and_stays_what_it_is():
    title = validate_title(" Evening\u202e\nshow ")
    assert title == validate_title(title) == "Evening show"


def test_half_a_surrogate_cannot_be_encoded():
    assert is_encodable("🎙 ok")
    assert not is_encodable("\ud83c")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Späte STUNDE", "spate stunde"),
        ("Straße", "strasse"),
        ("Łukasz", "łukasz"),
        ("ﬁn", "fin"),
        ("日本語", "日本語"),
        ("\u0130", "i"),
    ],
)
def test_search_compares_without_case_and_accents(text, key):
    assert search_key(text) == key
    assert search_key(key) == key


def test_a_key_fits_its_column_whatever_becomes_of_the_letters():
    assert len(search_key("ﷺ" * 120)) == KEY_LENGTH
