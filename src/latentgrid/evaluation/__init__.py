"""From trained runs to measures, and from measures to tables."""
