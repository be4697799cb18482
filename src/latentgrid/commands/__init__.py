"""One file for each command of `latentgrid` that is more than a few lines.

What prints and what a user types is in `cli`. Nothing of the pipeline imports a command's work.
"""
