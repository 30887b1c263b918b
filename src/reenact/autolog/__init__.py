"""What a program already reports to other tools, recorded as well: `reenact.capture()`."""
