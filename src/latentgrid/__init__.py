"""Autoencoders and latent generative models over their full hyperparameter grids, reproducibly."""
