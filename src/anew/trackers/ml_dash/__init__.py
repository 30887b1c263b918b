"""ml-dash: the dialect that takes its calls."""
