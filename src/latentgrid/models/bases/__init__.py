"""Base classes for models of the package and of users, one family of models per file.

A file has the classes that models inherit from and the losses that they share. `params.yaml` can
name none of them.
"""
