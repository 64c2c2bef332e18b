"""The web app: accounts, friends, tokens, recordings and the pages."""
