"""Free text from people, made safe to store and to show, and times as they write them."""

from __future__ import annotations

import re
import unicodedata

# Characters that turn the direction of the text after them (UAX #9), and ones without any width: in a title they garble or hide.
INVISIBLE = {0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF}


def clean(text: str) -> str:
    """Without control and direction characters and half surrogates; white space becomes single spaces."""
    kept = "".join(letter for letter in text if letter.isspace() or not _unwanted(letter))
    return " ".join(kept.split())


def clean_lines(text: str) -> str:
    """The same, but for the ends of its lines; empty lines are left out."""
    return "\n".join(filter(None, map(clean, text.splitlines())))


def _unwanted(letter: str) -> bool:
    return ord(letter) in INVISIBLE or unicodedata.category(letter) in ("Cc", "Cs")


KEY_LENGTH = 240


def search_key(text: str) -> str:
    """What is compared when people search and sort: without case and accents, so that "spate" finds "Späte"."""
    letters = unicodedata.normalize("NFKD", text).casefold().replace("\0", "")  # which PostgreSQL takes in no text
    return "".join(letter for letter in letters if not unicodedata.combining(letter))[:KEY_LENGTH]


def is_visible(text: str) -> bool:
    """False when nothing would be seen: only spaces, joiners and marks without a letter."""
    return any(unicodedata.category(letter)[0] not in "CMZ" for letter in text)


HALF_SURROGATES = re.compile("[\ud800-\udfff]")  # JSON can carry them and UTF-8 cannot


def is_encodable(text: str) -> bool:
    return HALF_SURROGATES.search(text) is None


def without_half_surrogates(text: str) -> str:
    """A text of the same length that can be encoded; `clean` removes what stands in their places."""
    return HALF_SURROGATES.sub("\0", text)


def clock(seconds: float) -> str:
    """`08:52` or `1:04:11`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def seconds(text: str) -> float | None:
    """Of a time as people write it: `1:04:11`, `4:11`, `251`, `12.5`; None when it is none."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"[0-9]{1,6}", part) for part in parts[:-1]):
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{0,3})?", parts[-1]):
        return None
    total = 0.0
    for part in parts:
        total = 60 * total + float(part)
    return total
