"""Audio → Hits, the way of AnNOTEator: find onsets, cut a clip at each, let a network name the clip.

The classifier of the original project, kept as a baseline to compare with. Its weights are third-party and never
part of the package: `convert` turns the Keras file that its authors publish into a network of our own kind, once;
`classify` needs neither TensorFlow nor that file. Both need the extra `drumscribe[annoteator]`.
"""

from drumscribe.annoteator.convert import LARGEST, ORIGINAL_SHA256, ORIGINAL_VERSION, convert
from drumscribe.annoteator.infer import classify

__all__ = ["LARGEST", "ORIGINAL_SHA256", "ORIGINAL_VERSION", "classify", "convert"]
