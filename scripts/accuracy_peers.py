"""What other systems reach, with the conditions under which it was measured; docs/accuracy.md says more about both.

`PEERS`, `CLASS_PEERS`, `BY_SONG` and `BEAT_PEERS` were measured for this project on the five recordings of MDB Drums that we
hold, with the scorer that our own measures agree with (`tests/library/test_evaluation.py`). `PUBLISHED` is quoted.
"""

from __future__ import annotations

_Row = tuple[float | None, ...]

#: F, P, R, mean of songs, mean of classes, F at 20 ms, 3 classes, 9 classes, mean of nine classes.
PEERS: dict[str, tuple[tuple[str, _Row], ...]] = {
    "drums_alone": (
        ("ADTOF (non-commercial)", (0.936, 0.929, 0.943, 0.915, 0.880, 0.856, 0.945, 0.869, 0.457)),
        ("Inverse Drum Machine, tuned here", (0.820, 0.827, 0.813, 0.757, 0.536, 0.796, 0.844, 0.779, 0.374)),
        ("ADTLib", (0.813, 0.863, 0.768, 0.783, 0.502, 0.777, 0.838, 0.766, 0.307)),
        ("Inverse Drum Machine, as shipped", (0.775, 0.774, 0.777, 0.717, 0.611, 0.738, 0.822, 0.740, 0.456)),
        ("DrumScript 0.2.1", (0.580, 0.600, 0.561, 0.588, 0.401, 0.559, 0.609, 0.536, 0.269)),
        ("AnNOTEator", (0.442, 0.562, 0.363, 0.458, 0.288, 0.347, 0.476, 0.426, 0.179)),
    ),
    "full_mix": (
        ("ADTOF (non-commercial)", (0.920, 0.926, 0.914, 0.886, 0.825, 0.849, 0.941, 0.862, 0.443)),
        ("Inverse Drum Machine, tuned here", (0.720, 0.737, 0.705, 0.673, 0.441, 0.684, 0.743, 0.694, 0.334)),
        ("Inverse Drum Machine, as shipped", (0.661, 0.666, 0.655, 0.612, 0.468, 0.623, 0.719, 0.632, 0.349)),
        ("ADTLib", (0.468, 0.679, 0.357, 0.448, 0.247, 0.377, 0.486, 0.429, 0.151)),
        ("AnNOTEator", (0.344, 0.506, 0.261, 0.346, 0.229, 0.183, 0.368, 0.340, 0.146)),
        ("DrumScript 0.2.1", (0.283, 0.323, 0.252, 0.293, 0.202, 0.234, 0.326, 0.222, 0.127)),
    ),
}

#: Kick, snare, hi-hat, cymbals, toms: F (precision / recall).
CLASS_PEERS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "drums_alone": (
        ("ADTOF", ("0.97 (.95/.98)", "0.91 (.92/.90)", "0.95 (.93/.97)", "0.72 (.75/.70)", "0.85 (.85/.85)")),
        (
            "Inverse Drum Machine, tuned",
            ("0.90 (.87/.94)", "0.85 (.85/.84)", "0.79 (.78/.80)", "0.04 (.25/.02)", "0.10 (1.0/.05)"),
        ),
    ),
    "full_mix": (
        ("ADTOF", ("0.96 (.96/.96)", "0.93 (.96/.89)", "0.93 (.97/.90)", "0.65 (.53/.84)", "0.65 (.55/.80)")),
        ("Inverse Drum Machine, tuned", ("0.82 (.81/.84)", "0.55 (.60/.51)", "0.79 (.75/.82)", "0.04 (.25/.02)", "0.00")),
    ),
}

#: ADTOF's F, five classes: drums alone, full mix.
BY_SONG: dict[str, tuple[float, float]] = {
    "MusicDelta_Britpop": (0.962, 0.963),
    "MusicDelta_Grunge": (0.969, 0.955),
    "MusicDelta_Punk": (0.901, 0.842),
    "MusicDelta_Reggae": (0.794, 0.711),
    "MusicDelta_SpeedMetal": (0.952, 0.960),
}

#: Drums alone, full mix. The mix of the beat trackers is another rebuild, with the drums 1.6 dB under the rest.
BEAT_PEERS: tuple[tuple[str, tuple[float, float]], ...] = (
    ("beats, F and AMLt: madmom (non-commercial models)", (0.966, 0.975)),
    ("downbeats, F: madmom", (0.975, 0.638)),
    ("written score, TOTAL: best chain of public parts (ADTOF's hits, a good beat tracker)", (0.859, 0.838)),
)

PUBLISHED: tuple[tuple[str, str, str, str, str], ...] = (
    ("MDB Drums, mix, 23 songs", "5", "0.81 (re-run 0.80)", "ADTOF", "Zehren et al. 2023"),
    ("MDB Drums, drums alone, 23 songs", "5", "0.89; ADTOF re-run 0.85", "Riley and Dixon", "arXiv 2509.24853"),
    ("MDB Drums, mix, 23 songs", "3", "0.83", "Weber 2025", "STAR Drums"),
    ("ENST-Drums, 2/3 drums and 1/3 accompaniment", "5", "0.78; 0.80", "ADTOF; Weber 2025", "Zehren et al. 2023; STAR Drums"),
    ("ENST-Drums, drums alone", "5", "0.85; ADTOF re-run 0.83", "Riley and Dixon", "arXiv 2509.24853"),
    ("RBMA13, public labels", "3", "0.67; ADTOF re-run 0.71", "Weber 2025", "STAR Drums"),
    ("E-GMD", "–", "0.90", "Noise-to-Notes", "arXiv 2509.21739"),
    ("IDMT-SMT-Drums", "3", "0.95; ADTOF re-run 0.95", "Noise-to-Notes", "arXiv 2509.21739"),
)
