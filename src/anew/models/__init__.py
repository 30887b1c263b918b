"""Registered models: names with versions, aliases and a history, kept as events of a store's own journal."""
