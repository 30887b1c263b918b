"""Reading the folders that W&B keeps of its runs. W&B itself is not needed."""
