"""How a step becomes a process: forks, orders, devices, and an end with its workflow.

docs/jobs.md explains it. What a step does is not known here, and changes no result.
"""
