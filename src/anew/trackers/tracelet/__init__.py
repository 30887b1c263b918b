"""tracelet: the dialect that takes its calls."""
