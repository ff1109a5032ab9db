"""Stem → Activations → Hits: finds and names every stroke."""

from drumscribe.detection.infer import activate
from drumscribe.detection.picking import pick_hits

__all__ = ["activate", "pick_hits"]
