"""Stamps: hidden files beside the results that say which settings, inputs and code made them.

Stamps are written and compared here; `pipeline` decides what to do about a difference.
"""
