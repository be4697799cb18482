"""Pictures of runs, from their files and the tables.

What has to be measured for one, distances and neighbours, stands in `evaluation`.
"""
