"""Reads `params.yaml`, makes the runs of it, and knows every name that may stand in it.

The Snakefile reads this before anything runs, so nothing here imports torch, NumPy or pandas.
"""
