"""One file a figure; each has `draw(results)`, which returns a `Drawing`.

A figure describes itself by constants, which the Snakefile and the report read without running it:

- TITLE, SECTION, PLACE: its heading in the report, the section that it stands in, its place there.
- CAPTION: what to look at. CLAIM: what its source claims to be seen in it.
- NEEDS: the abilities of the models that it shows, as the methods they must have. A figure that
  is asked to show a model without them is refused before anything runs; one without NEEDS shows no
  models.
- READS: the results it draws beside runs and tables, by name.
- ANIMATED: True if its `Drawing` has `frames`, which become an animation.

A figure of which there is nothing to show (no run with two latent dimensions, say) says so.
"""
