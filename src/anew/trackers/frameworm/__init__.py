"""frameworm: the dialect that takes its calls."""
