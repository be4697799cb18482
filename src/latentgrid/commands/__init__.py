"""One file for each command of `latentgrid`."""
