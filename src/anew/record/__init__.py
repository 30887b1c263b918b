"""The vocabulary: what a record is, how it is written as a line, and how lines become a state."""
