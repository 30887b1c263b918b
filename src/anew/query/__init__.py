"""Asking: the filter language, questions and answers as structs, downsampling, directions, differences.

Everything here is pure: it knows the vocabulary of `record`, and neither a store nor SQL.
"""
