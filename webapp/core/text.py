"""Free text from people, made safe to store and to show, and times as they write them."""

from __future__ import annotations

import re
import unicodedata

from flask_babel import gettext as _

from webapp.core.errors import Invalid

TITLE_LENGTH = 120
"""Characters in the title of a stream or a recording."""

# Characters that turn the direction of the text after them (UAX #9), and ones without any width: in a title they garble or hide.
INVISIBLE = {0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF}

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), which unicodedata does not know: fillers, joiners,
# variation selectors, tags. They belong into text (family emoji, flags, Indic writing), but show nothing by themselves.
_IGNORABLE = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810)),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *(0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)),
)
# Blank by their shape: the braille pattern without dots, the null note head, two Egyptian blanks.
_BLANK = (0x2800, 0x1D159, 0x13441, 0x13442)
UNSEEN = frozenset(map(chr, (*_IGNORABLE, *_BLANK)))
UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Controls, marks that need a letter, and spaces. Unassigned characters are none of them: newer emoji than Python knows."""


def clean(text: str) -> str:
    """Remove control and direction characters and half surrogates, and make all white space single spaces."""
    kept = "".join(letter for letter in text if letter.isspace() or not _is_unwanted(letter))
    return " ".join(kept.split())


def clean_lines(text: str) -> str:
    """Clean each line by itself, and leave empty lines out."""
    return "\n".join(filter(None, map(clean, text.splitlines())))


def _is_unwanted(letter: str) -> bool:
    return ord(letter) in INVISIBLE or unicodedata.category(letter) in ("Cc", "Cs")


KEY_LENGTH = 240


def search_key(text: str) -> str:
    """Return what is compared when people search and sort: without case and accents, so that "spate" finds "Späte"."""
    letters = unicodedata.normalize("NFKD", text).casefold().replace("\0", "")  # which PostgreSQL takes in no text
    return "".join(letter for letter in letters if not unicodedata.combining(letter))[:KEY_LENGTH]


def is_visible(text: str) -> bool:
    """Return whether anything would be seen. Spaces, joiners, fillers and marks without a letter show nothing."""
    return any(letter not in UNSEEN and unicodedata.category(letter) not in UNSEEN_CATEGORIES for letter in text)


HALF_SURROGATES = re.compile("[\ud800-\udfff]")  # JSON can carry them and UTF-8 cannot


def is_encodable(text: str) -> bool:
    return HALF_SURROGATES.search(text) is None


def without_half_surrogates(text: str) -> str:
    """Return a text of the same length that can be encoded; `clean` removes what stands in their places."""
    return HALF_SURROGATES.sub("\0", text)


def validate_title(text: str, field: str = "title", *, default: str | None = None) -> str:
    """Return the title of a stream or a recording as it is stored. Raises Invalid, naming `field`.

    `default` stands in for a title that is empty or cannot be seen, which is refused without it.
    """
    if not is_encodable(text):
        raise Invalid.field(field, _("This contains invalid characters."))
    if len(text) > TITLE_LENGTH:  # as it was sent: what is described as too long is refused, whatever it consists of
        raise Invalid.field(field, _("At most %(count)d characters.", count=TITLE_LENGTH))
    title = clean(text)
    if is_visible(title):
        return title
    if default is None:
        raise Invalid.field(field, _("This may not be empty."))
    return default


def clock(seconds: float) -> str:
    """Format a duration as `08:52` or `1:04:11`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def parse_clock(text: str) -> float | None:
    """Return the seconds of a time as people write it (`1:04:11`, `4:11`, `251`, `12.5`), or None for anything else."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"[0-9]{1,6}", part) for part in parts[:-1]):
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{0,3})?", parts[-1]):
        return None
    total = 0.0
    for part in parts:
        total = 60 * total + float(part)
    return total
