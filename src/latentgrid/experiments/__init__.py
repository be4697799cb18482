"""Small trainings on data of their own, which some sources use to make a point.

One file an experiment; each has `run()`, which draws from generators of its own and returns named
tensors for a figure. An experiment takes seconds and depends on nothing in `params.yaml`.
"""
