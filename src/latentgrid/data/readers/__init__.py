"""Readers of data sets that their options describe, one per file.

A reader is a class whose constructor's arguments are its options, typed as hyperparameters are; the
first has the reader's name. It has `size()`, the `Size` that is known before anything is fetched,
and `load(folder, mirror)`, which returns `Images`.
"""
