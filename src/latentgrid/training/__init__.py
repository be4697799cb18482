"""Training: it turns a run's settings into its history, weights and snapshots.

The loop uses nothing of a model but the contract in `models`. Measures are computed later, in
`evaluation`.
"""
