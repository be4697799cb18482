"""What models of the package and of users may build on: one family of models a file.

A file here has classes that models inherit from and the losses that they share. None is a model
that `params.yaml` can name.
"""
