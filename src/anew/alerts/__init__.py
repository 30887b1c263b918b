"""Alerts: what is to be watched, what was found, and telling people of it."""
