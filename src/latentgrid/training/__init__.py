"""From a run's settings to its history, weights and snapshots.

The loop knows models by their contract alone; what is measured later is not known here.
"""
