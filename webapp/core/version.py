"""Holds the version of Stillair, which must equal the one in pyproject.toml."""

VERSION = "0.1.0"
