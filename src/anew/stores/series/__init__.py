"""The series: every point of every metric, as columns."""
