"""What the commands that look answer: the documents of `--json`, which a server answers likewise under `/api/v1/commands/`."""
