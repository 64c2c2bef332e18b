"""Progress of what takes longer than a second, on standard error, and only where somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

Tell = Callable[[int, int | None], None]
"""(done, of how many or None when only the end tells)."""


def progress_on_stderr() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def seconds_bar(words: str) -> Iterator[Callable[[float], None]]:
    """-> to be called with the seconds so far."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:.0f} s"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(words, total=None)
        yield lambda seconds: progress.update(task, completed=seconds)


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Show that something goes on which takes seconds and cannot say how many."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield
