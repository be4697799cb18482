"""What the Snakefile and its rules call, beside the rules themselves.

It runs in Snakemake's process: what is checked and set up before the jobs, and said after them.
"""
