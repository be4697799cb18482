"""`python -m latentgrid` is the command `latentgrid`."""

from latentgrid.cli import main

main()
