"""The steps of the pipeline: one file for each rule of the workflow, named like it.

A step reads its command line, calls what does the work, and writes the results. Nothing imports it
but `contracts`, which make small results.
"""
