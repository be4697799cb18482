"""The commands of `latentgrid` that need more than a few lines, one file per command.

`cli` defines the command line and its options. The pipeline imports no command.
"""
