"""The files: what was logged as files, wherever it is kept."""
