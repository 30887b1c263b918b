"""Bringing in experiments from a copy of another store, or of a part of one, under the ids that they have."""
