"""From a run's settings to its history and weights."""
