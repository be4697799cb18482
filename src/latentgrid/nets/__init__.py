"""Networks that models are made of.

None knows of a loss, an optimizer or a data set.
"""
