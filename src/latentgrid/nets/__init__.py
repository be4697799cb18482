"""The networks of which models are made.

They use no loss, no optimizer and no data set.
"""
