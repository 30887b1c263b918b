"""What a `SummaryWriter` is given as what Anew records (`calls`), and what was recorded as summaries (`summaries`)."""
