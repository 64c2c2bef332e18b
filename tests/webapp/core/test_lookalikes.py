"""Names that people take for one another, and ones that they do not."""

from __future__ import annotations

import pytest

from webapp.core.lookalikes import Name, ambiguous, skeleton

LIKE_ALICE = [
    "Alice",
    "ALICE",
    "аlice",  # Cyrillic а
    "Αlісе",  # Greek Α, Cyrillic і, с and е
    "Al1ce",
    "AIice",  # a capital i
    "ａｌｉｃｅ",
    "𝐀𝐥𝐢𝐜𝐞",
    "Àlícë",
    "ali\u00adce",  # soft hyphen
    "a\u034fl\u2061ice\u3164",  # joiner, operator, filler
    "\U000e0061Alice\U000e007f",  # tags
    "Alice \u2800",
    "A. l i c e!",
    "Alice 🌸",
    "ᴀʟɪᴄᴇ".replace("ɪ", "ı"),
]


@pytest.mark.parametrize("text", LIKE_ALICE, ids=ascii)
def test_what_looks_like_alice_has_the_skeleton_of_alice(text):
    assert skeleton(text) == skeleton("Alice")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Alice", "Alicia"), ("Bob", "Rob"), ("Надя", "Катя"), ("🎈", "🌸"), ("أحمد", "محمد"), ("小林", "大林"), ("-", "_")],
)
def test_other_names_have_other_skeletons(one, other):
    assert skeleton(one) != skeleton(other)


def test_a_name_is_ambiguous_beside_the_name_or_user_name_of_somebody_else():
    alice, copy, user_name = Name("alice", "Alice"), Name("mallory", "Аlice"), Name("eve", "bob")
    bob, zoe = Name("bob", "Robert"), Name("zoe", "Zoë")
    assert ambiguous([alice, copy, user_name, bob, zoe]) == {alice, copy, user_name}
    assert ambiguous([alice, Name("alice", "Alíce"), zoe]) == set(), "nobody is taken for themselves"
