"""What a training process needs of forwarding: where to, the process that sends, and how far it has come.

What is sent and how is in `anew.forwarders`, which the process beside the program loads.
"""
