"""The page that people read, and the pages of the documentation that show results.

Sentences, tables and templates; every number in them was computed before.
"""
