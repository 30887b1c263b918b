"""The truth on disk: where it lies, how it is written, and how it is followed."""
