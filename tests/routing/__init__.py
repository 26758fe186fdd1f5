"""The proof of the routing core: an oracle written from docs/routing.md alone, and what drives both."""
