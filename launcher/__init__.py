"""What `./stillair` runs: set-up, start, tests and check-up. Standard library only, for it runs before anything is installed."""
