"""`Experiment` and its handles: what a training script writes with."""
