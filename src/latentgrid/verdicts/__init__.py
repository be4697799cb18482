"""Whether what the sources published reproduces: number by number, claim by claim."""
