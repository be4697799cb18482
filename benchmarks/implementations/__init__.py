"""Who trains the same network: each file has `prepare`, which returns what trains one epoch."""
