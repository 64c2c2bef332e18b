"""Keeps Python's search for garbage short."""

from __future__ import annotations

import gc


def spare_what_is_loaded() -> None:
    """Never search what has been loaded until now, which stays until the end. Called once, by programs before their work.

    Libraries, models and routes are 200,000 objects. A full search stops all threads for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
