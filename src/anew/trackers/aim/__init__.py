"""Aim: what a run shows, and the forwarder that makes runs."""
