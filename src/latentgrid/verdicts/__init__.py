"""Decides whether what the sources published reproduces, for each number and each claim.

It holds the rules of the verdicts and the tables of verdicts; claims stand in the studies, in their
`study.yaml` or as files in their folder `claims`.
"""
