"""`python -m reenact` is the command `reenact`."""

from .cli.main import main

if __name__ == "__main__":
    main()
