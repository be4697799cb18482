"""Facts of the source documents, each in one place: what was published, and how it was made.

What we compute from it is in `verdicts` and `report`.
"""
