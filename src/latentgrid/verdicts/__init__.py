"""Decides whether what the sources published reproduces, for each number and each claim.

It holds the rules of the verdicts and the tables of verdicts; each claim is a file in `claims`.
"""
