"""Readers of what a training and an evaluation wrote, each file in one place and with types.

Nothing here writes or measures.
"""
