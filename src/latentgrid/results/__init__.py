"""Readers of what a training and an evaluation wrote."""
