"""The server: a table of routes over a `Backend`."""
