"""The rules, one a file: its docstring states the rule, and `find` yields what it finds.

`TITLE` is what a finding means, in the words of a heading.
"""
