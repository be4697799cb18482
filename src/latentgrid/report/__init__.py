"""The report, and the pages of the documentation that show results.

Sentences, tables and templates. Every number in them was computed by an earlier step.
"""
