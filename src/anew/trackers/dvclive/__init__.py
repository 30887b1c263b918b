"""DVCLive: its folders are imported."""
