"""From `params.yaml` to runs, and what can be named there.

Whatever the Snakefile reads before anything runs: no torch, no numpy, no pandas.
"""
