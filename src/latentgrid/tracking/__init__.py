"""Copies the runs' files to MLflow, which shows them. An import can be repeated at any time.

No file of the pipeline depends on MLflow, so its database may be deleted at any time: the next
`sync` makes it again, without what users wrote into it. MLflow is imported only when it is needed,
as that takes seconds.
"""
