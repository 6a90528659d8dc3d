"""`python -m lastgood` is the program `lastgood`."""

from lastgood.cli import main

main()
