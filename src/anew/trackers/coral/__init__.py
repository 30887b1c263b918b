"""coral: the dialect that takes its calls."""
