"""The views of the explorer, a file each, in the order of their tabs.

Each has a TITLE; ABOUT, what a visitor does there; `content`, its controls and places; and `serve`,
which fills these for a visit.
"""
