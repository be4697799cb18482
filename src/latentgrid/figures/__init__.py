"""Pictures of runs, from their files and the tables; `comparisons` has one file a figure.

Figures draw. What they show is computed in `evaluation`, and what is said of them in `report`.
"""
