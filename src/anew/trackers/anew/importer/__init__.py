"""Copies of stores as sources of imports."""
