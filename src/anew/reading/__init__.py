"""What questions come back as: views of experiments, sequences of them, histories, comparisons."""
