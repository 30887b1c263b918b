"""Recording an experiment: the handle a training program holds, and what hangs off it."""
