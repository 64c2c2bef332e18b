"""The set-up link, by which whoever starts a server makes its first account. Standard library only."""

from __future__ import annotations

from pathlib import Path

FILE = "set-up-token"
"""File in the data folder. It is there until the first account is made."""


def kept_token(data: Path) -> str | None:
    """Return the token of the set-up link, or None if there is none (any more)."""
    try:
        return (data / FILE).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def link(public_url: str, token: str) -> str:
    return f"{public_url}/register?set_up={token}"
