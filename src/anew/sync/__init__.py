"""Sending a root's experiments to a server, and fetching what was edited there: `push.push`, `watch.watch`."""
