"""How the agent's log lines look: time, level, message, and the data that came with it."""

from __future__ import annotations

import logging

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class Formatter(logging.Formatter):
    """Writes one line for each record, except for tracebacks:

    `2025-01-31 12:00:00,123 WARNING agent.live.microphone_input Late behind_ms=120 frames_lost=3`
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        data = (f"{key}={value!r}" for key, value in record.__dict__.items() if key not in _STANDARD)
        line = " ".join((super().formatMessage(record), *data))
        return line.replace("\r", "\\r").replace("\n", "\\n")


def configure() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # it writes a line for each request to the health page
