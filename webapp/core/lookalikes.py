"""Finds names that people take for one another: with letters that look alike, or that differ only by what is hardly seen.

This shows a user name beside a name, and refuses none: so it rather finds too many, and knows only the letters with which Latin
names are imitated most.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from webapp.core.text import UNSEEN


def _table(pairs: str) -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in pairs.split()}


# Pairs of a letter and the Latin one that it looks like, of Greek, Cyrillic, Armenian, Cherokee and the rest of Latin. The
# capitals are on their own: what looks like N in Greek looks like v when it is small.
_CAPITALS = _table(
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX АA ВB ЕE З3 КK МM НH ОO РP СC ТT УY "
    "ХX ЅS ІI ЈJ ӀI ԌG ԜW ᎪA ᏴB ᏟC ᎠD ᎬE ᎻH ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᏃZ"
)
_SMALL = _table(
    "αa βb εe γy ηn ιi κk νv οo ρp τt υu χx ωw аa бb вb гr еe з3 иu кk мm нh оo пn "
    "рp сc тt уy хx іi јj ѕs һh ԁd ԛq ԝw ӏl ьb үy հh ոn սu օo ցg յj ǝe ıi łl øo đd "
    "ħh ŧt ɑa ɡg ɩi ʟl ꜱs ᴀa ʙb ᴄc ᴅd ᴇe ʜh ᴊj ᴋk ᴍm ɴn ᴏo ᴘp ʀr ᴛt ᴜu ᴠv ᴡw ʏy ᴢz"
)
_STROKES = str.maketrans("01|i", "olll")
_PAIRS = (("rn", "m"), ("vv", "w"))


class Name(NamedTuple):
    """What somebody is called."""

    username: str
    display_name: str


def ambiguous(names: Iterable[Name]) -> set[Name]:
    """Return those of these names whose display name looks like a display name or user name of somebody else among them."""
    known = set(names)
    holders = defaultdict[str, set[str]](set)
    for name in known:
        holders[skeleton(name.username)].add(name.username)
        holders[skeleton(name.display_name)].add(name.username)
    return {name for name in known if len(holders[skeleton(name.display_name)]) > 1}


@lru_cache(maxsize=8192)
def skeleton(text: str) -> str:
    """Return what is left of a name for a quick look: two names with the same skeleton may be taken for each other."""
    letters = unicodedata.normalize("NFKD", text).translate(_CAPITALS).casefold().translate(_SMALL)
    plain = "".join(letter for letter in letters if letter not in UNSEEN and not unicodedata.combining(letter))
    for pair, one in _PAIRS:
        plain = plain.replace(pair, one)
    folded = plain.translate(_STROKES)
    return "".join(filter(str.isalnum, folded)) or folded
