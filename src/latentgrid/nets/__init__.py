"""Networks that models are made of; none knows of a loss."""
