"""Facts of the source documents, each read from one place.

What was published, and how; not what is made of it here.
"""
