"""Performance → Score: tempo, swing, quantisation, ornaments, spelling and form."""

from drumscribe.notation.score import notate

__all__ = ["notate"]
