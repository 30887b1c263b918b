"""Anew itself, as others have it: copies of stores."""
