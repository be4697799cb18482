"""Facts of the source documents."""
