"""The process that pushes what programs record on this machine to a server, and what `anew sync` shares with it."""
