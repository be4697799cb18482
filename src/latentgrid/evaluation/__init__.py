"""From trained runs to measures, and from measures to tables.

Mathematics on arrays and tables: no file here knows of a rule, and none draws.
"""
