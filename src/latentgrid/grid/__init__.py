"""From `params.yaml` to runs."""
