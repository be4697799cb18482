"""What lies where, and how it is written, locked and put aside.

No file here knows what is in a file; who reads and writes one does.
"""
