"""One file a figure; each has `draw(material)`, which returns a `Drawing`.

A figure says by constants what it needs, and is refused before anything runs if it is asked to show
a model that cannot give it:

- NEEDS: the abilities of the models that it shows, as the methods they must have. A figure without
  it shows no models.
- READS: the results it draws beside runs and tables, by name.
- ANIMATED: True if its `Drawing` has `frames`, which become an animation.

A figure of which there is nothing to show (no run with two latent dimensions, say) says so.
"""
