"""Background work during training: system metrics, console capture, and the one background thread."""
