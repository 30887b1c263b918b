"""Weights & Biases: the library `wandb`, and its runs."""
