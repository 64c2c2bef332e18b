"""Runs `./stillair`: set-up, start, tests and check-up. Standard library only, because it runs before anything is installed."""
