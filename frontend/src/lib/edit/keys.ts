/** The keys of the corrections, for the list that `?` shows. */
type Listed = readonly (readonly [keys: string, what: string])[];

export const EDIT_KEYS: Listed = [
  ["E", "Open or close the corrections"],
  ["← → ↑ ↓", "Walk through the grid"],
  ["Shift + arrows", "Take the stroke along"],
  ["Enter, Space", "Add or delete a stroke"],
  ["1 – 9, X", "Make it this drum, or add it here"],
  ["[ ]", "Softer, louder"],
  ["G N A", "Ghost note, normal, accent"],
  ["F", "Flam on or off"],
  ["Y", "This stroke is right"],
  ["Page ↑ ↓", "Bar before, bar after"],
  ["Shift + Enter", "Pick strokes to copy; Shift and a press too"],
  ["Ctrl + C, X, V", "Copy, cut, paste: picked strokes, or bars"],
  ["Ctrl + Z", "Undo; with Shift, redo"],
];

export const REVIEW_KEYS: Listed = [
  ["Y, Enter", "This stroke is right"],
  ["N, Del", "It is not there"],
  ["1 – 9, X", "It was this drum"],
  ["↑ ↓", "Stroke before, stroke after"],
  ["← →", "Bar before, bar after"],
];
