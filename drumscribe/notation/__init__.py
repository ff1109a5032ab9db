"""Performance → Score: tempo, swing, quantisation, ornaments, spelling and form. And back: what a person corrects in it."""

from drumscribe.notation.corrections import correct
from drumscribe.notation.score import notate

__all__ = ["correct", "notate"]
