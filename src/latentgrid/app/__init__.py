"""The explorer: a web app on trained runs, which it loads through the package's own interface.

`serve` starts it, `page` is its frame, `views` has a file for each view, `visit` knows what a
visitor has chosen, `shelf` what there is to choose from.
"""
