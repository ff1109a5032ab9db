// The files that a song can be had as, in the order in which drummers want them.
export type Format = { format: string; name: string; purpose: string };

export const FORMATS: readonly Format[] = [
  { format: "pdf", name: "PDF", purpose: "to print" },
  { format: "musicxml", name: "MusicXML", purpose: "for MuseScore, Sibelius, Dorico, Finale" },
  { format: "mxl", name: "MusicXML, packed", purpose: "the same, smaller" },
  { format: "midi", name: "MIDI as played", purpose: "for a DAW, with the drummer's timing" },
  { format: "score-midi", name: "MIDI as written", purpose: "for a DAW, on the grid" },
  { format: "tab", name: "Drum tab", purpose: "plain text" },
  { format: "svg", name: "SVG pages", purpose: "pictures of any size" },
  { format: "png", name: "PNG pages", purpose: "pictures" },
  { format: "drumless", name: "Song without drums", purpose: "to play along with" },
  { format: "drums", name: "Drums alone", purpose: "to listen closely" },
  { format: "csv", name: "CSV", purpose: "one line a stroke" },
  { format: "hits", name: "JSON", purpose: "every stroke, for programs" },
  { format: "jams", name: "JAMS", purpose: "for research" },
];
