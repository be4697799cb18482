"""Reads and checks the files that trainings and evaluations write.

Nothing here computes a measure, and no other package opens these files.
"""
