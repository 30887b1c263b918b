"""An experiment folder written by hand: the dialect that takes its calls."""
