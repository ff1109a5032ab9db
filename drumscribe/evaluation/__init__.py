"""How good is a transcription: hits, beats and written score against annotations, in the measures of the field.

    annotations   files in the formats of the field → hits, beats, written notes
    layouts       the public data sets as they lie on disk → pieces with sound and truth
    datasets      one folder → the data set in it
    runs          a piece → what was heard in it
    hits          precision, recall, F by class; velocity; false hats
    calibration   whether confidence can be trusted
    beats         F, continuity, downbeats, tempo (mir_eval)
    written       notes at their place in the metre
    report        songs, or two folders → one report; `tables` prints it
    stems         isolated drums against the drums that were mixed in
    conditions    figures by tempo, metre, density, drums against music, kit, genre
    worst         the bars with the most mistakes; `pictures` draws them

*Reference* is what is true, *estimate* what was transcribed.
"""

from drumscribe.evaluation.annotations import Beats as Beats
from drumscribe.evaluation.annotations import read_beats as read_beats
from drumscribe.evaluation.annotations import read_hits as read_hits
from drumscribe.evaluation.beats import BeatScores as BeatScores
from drumscribe.evaluation.beats import score_beats as score_beats
from drumscribe.evaluation.conditions import by_condition as by_condition
from drumscribe.evaluation.datasets import find as find
from drumscribe.evaluation.hits import VOCABULARIES as VOCABULARIES
from drumscribe.evaluation.hits import Counts as Counts
from drumscribe.evaluation.hits import HitScores as HitScores
from drumscribe.evaluation.hits import count_false_hats as count_false_hats
from drumscribe.evaluation.hits import match as match
from drumscribe.evaluation.hits import score_hits as score_hits
from drumscribe.evaluation.hits import velocity_correlation as velocity_correlation
from drumscribe.evaluation.report import Report as Report
from drumscribe.evaluation.report import compare as compare
from drumscribe.evaluation.report import evaluate_folder as evaluate_folder
from drumscribe.evaluation.runs import hear_piece as hear_piece
from drumscribe.evaluation.runs import songs_of as songs_of
from drumscribe.evaluation.written import score_written as score_written
