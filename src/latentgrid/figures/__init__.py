"""Pictures of runs, from their files and the tables."""
