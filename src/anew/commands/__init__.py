"""What the commands answer: the documents of `--json`, which a server answers likewise under `/api/v1/commands/`."""
