"""`python -m anew` is the command `anew`."""

from .cli.main import main

if __name__ == "__main__":
    main()
