"""What goes on beside the training: system metrics, console capture, and the one background thread."""
