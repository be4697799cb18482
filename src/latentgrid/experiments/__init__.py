"""Experiments: small trainings on data of their own, with which some sources make a point.

One file per experiment. Its function `run()` draws from random generators of its own and returns
tensors by name for a figure. It takes seconds and depends on nothing in `params.yaml`.
"""
