"""Everything that makes the weights: material, mixes, networks, loops, release. Needs the extra `[train]`.

Nothing in the library imports this package, and nothing but this package imports torch on the way to a score.
"""
