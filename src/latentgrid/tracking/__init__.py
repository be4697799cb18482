"""MLflow as a view of the run files: they are the truth, and an import can be repeated at will.

No file keeps anything of MLflow's, so its database may be deleted at any time: the next `sync`
makes it again, but for what users have written in it. MLflow is imported only when there is
something to bring, as that takes seconds.
"""
