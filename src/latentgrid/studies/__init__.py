"""Reads studies: folders with what somebody published, as facts, and how to compare it.

`schema` says what a study's files may hold; nothing here knows any one study.
"""
