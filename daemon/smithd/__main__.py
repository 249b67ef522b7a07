"""``python -m smithd``."""

from smithd.cli.main import main

if __name__ == "__main__":
    main()
