"""Computes measures of trained runs, and tables of measures.

Mathematics on arrays and tables: no file here uses a rule of the workflow or draws a figure.
"""
