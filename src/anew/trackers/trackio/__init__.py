"""trackio: its databases are imported."""
