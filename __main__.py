"""`python -m hemline`: the command line."""

from .hosts.cli import main

if __name__ == "__main__":
    main()
