"""Lets the command line bring the tables to their newest form: `flask --app webapp db upgrade`."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from webapp.core.database import db


def init_app(app: Flask) -> None:
    Migrate(app, db, directory=str(Path(app.root_path) / "migrations"))
