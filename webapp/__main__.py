"""Runs `./stillair web`: the commands of webapp/cli.py, and Flask's own."""

import sys

from flask.cli import FlaskGroup
from sqlalchemy.exc import DBAPIError

from webapp import create_app

try:
    FlaskGroup(create_app=create_app).main(prog_name="stillair web")
except DBAPIError as error:  # most likely Stillair has not been started yet
    sys.exit(f"The database refused: {error.orig}. ./stillair up makes it, and brings it up to date.")
