"""How a step of the pipeline becomes a process."""
