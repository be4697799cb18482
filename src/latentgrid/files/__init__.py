"""Where files lie, and how they are written, locked and put aside.

No module here knows the content of a file; the modules that read and write it do.
"""
