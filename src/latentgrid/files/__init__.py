"""What lies where, and how it is written."""
