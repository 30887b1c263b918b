"""Automatic capture of how a program was run. Part of the write side, so importing it loads nothing heavy."""
