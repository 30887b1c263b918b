"""One room for each foreign tracker: its names, the translation of its values, its dialect and its forwarder.

Programs import dialects from `anew.dialects` and addresses of forwarders from `anew.forwarders`.
"""
