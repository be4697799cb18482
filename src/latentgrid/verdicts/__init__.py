"""Whether what the sources published reproduces: number by number, claim by claim.

The rules of judging and their tables; a claim is a file in `claims`.
"""
