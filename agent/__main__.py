"""Runs `./stillair agent`. It only imports and calls: a job's process could not find what is defined in a `__main__`."""

from agent.cli.main import main

main(prog_name="stillair agent")
