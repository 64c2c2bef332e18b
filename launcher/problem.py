"""Describes expected failures in words for the person who typed the command."""

from __future__ import annotations


class Problem(Exception):
    """Says what happened and what to do next. The person can put it right."""

    def __init__(self, what: str, next_step: str, details: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.details = details

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  | {line}" for line in self.details.strip().splitlines()]
        return "\n".join([*lines, f"Next: {self.next_step}"])
