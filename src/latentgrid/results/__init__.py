"""Readers of what a training and an evaluation wrote, each with its checks.

Nothing here computes a measure, and nobody else opens these files.
"""
