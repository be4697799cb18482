"""Audits the numbers and texts of a study by themselves: no run, no training, no torch.

Each rule is a file in `rules`; `examine` asks all of them, and `false_alarms` says how often each
fires on tables that are known to be sound. What a run says of a number belongs to `verdicts`.
"""
