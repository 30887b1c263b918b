"""`wandb.integration`: callbacks of frameworks, by the addresses that W&B's have."""
