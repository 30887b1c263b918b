"""Taking in what clients recorded: a protocol, and its implementation for a folder."""
