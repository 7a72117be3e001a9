"""`python -m rag`, and `footnote`."""

import sys

from rag import supervision


def main() -> None:
    """Runs the command; what takes long in a second process, over which this one watches."""
    if supervision.is_wanted(sys.argv[1:]):
        sys.exit(supervision.supervise())
    supervision.live()
    from rag.cli import main as run  # what watches needs none of it

    run()


if __name__ == "__main__":
    main()
