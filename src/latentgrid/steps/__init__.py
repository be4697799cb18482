"""The steps of the pipeline: one file for each rule of the workflow, with the rule's name.

A step reads its command line, calls the functions that do the work, and writes the results. Only
`contracts` import steps, to make small results.
"""
