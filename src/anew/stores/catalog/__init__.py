"""The catalog: what can be asked of all experiments at once, in SQL."""
