"""Records machine-learning experiments in open files, and runs them again."""
