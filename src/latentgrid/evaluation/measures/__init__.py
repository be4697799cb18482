"""One file a measure; each has `measure(run, test)`, which returns its figures by name.

A figure is a number, or a list with one number a class. A run that cannot be measured so (it has
no codes, say) gives an empty dictionary.
"""
