"""The API of ml-dash's server, for its own client: what programs write through it are ordinary experiments."""
