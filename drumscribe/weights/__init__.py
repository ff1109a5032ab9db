"""Networks that ship with the package or are pulled on request: found, checked, loaded.

`manifest.toml` is the only list: `name@version` → file or url, sha256, size, licence, kind. A published version never
changes; "default" is an alias for one network of each kind. A network is two files, `name-version.onnx` and the
`name-version.json` that says how to use it: features, drums, thresholds, frame rate, metrics, data, licence. Both are
checked against the manifest before either is read, and pickles are never loaded.

Contents: `load_models` gives ready networks, `list_models` and `verify` say what is here, `read_cards` what it is, `pull`
fetches it, `fetch` reads one file that is in no list, `publish` adds a new version.
"""

from drumscribe.weights.cards import Card, read_cards
from drumscribe.weights.fetch import fetch, pull
from drumscribe.weights.load import Models, Network, load_drums, load_models, load_separator
from drumscribe.weights.manifest import Entry, Found, Manifest, Pin, list_models, verify
from drumscribe.weights.publish import publish

__all__ = [
    "Card",
    "Entry",
    "Found",
    "Manifest",
    "Models",
    "Network",
    "Pin",
    "fetch",
    "list_models",
    "load_drums",
    "load_models",
    "load_separator",
    "publish",
    "pull",
    "read_cards",
    "verify",
]
