"""Draws figures from the runs' files and the tables; `comparisons` has one file per figure.

Figures only draw: `evaluation` computes what they show, and `report` sets their texts beside them.
"""
