"""Figures, one per file: each file has `draw(results)`, which returns a `Drawing`.

A figure describes itself by constants, which the Snakefile and the report read without running it:

- TITLE, SECTION, PLACE: its heading in the report, its section, and its place there.
- CAPTION: what to look at. CLAIM: what its source claims to be seen in it.
- NEEDS: the abilities that its models must have, as names of methods. If `params.yaml` asks the
  figure to show a model without them, the workflow ends before any job. A figure without NEEDS
  shows no models.
- READS: the names of the results that it reads besides runs and tables.
- ANIMATED: True if its `Drawing` has `frames`, which become an animation.

A figure with nothing to show (no run with two latent dimensions, say) says so.
"""
