"""What made a result, known by a stamp beside it."""
