"""What made a result: its settings, inputs and code, in a hidden file beside it.

Stamps are written and compared here; what follows from a difference is decided by `pipeline`.
"""
