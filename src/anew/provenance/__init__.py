"""What is recorded, without being asked, of how a program was run. Part of the write side: nothing heavy at import."""
