// The files that a song can be had as, in the order in which drummers want them.
export type Format = { format: string; name: string; purpose: string };
export type FormatGroup = { title: string; formats: readonly Format[] };

export const FORMAT_GROUPS: readonly FormatGroup[] = [
  {
    title: "Sheet music",
    formats: [
      { format: "pdf", name: "PDF", purpose: "Pages to print, or to put on the stand." },
      { format: "musicxml", name: "MusicXML", purpose: "Opens in MuseScore, Sibelius, Dorico and Finale." },
      { format: "mxl", name: "MusicXML, packed", purpose: "The same score in a smaller file." },
      { format: "tab", name: "Drum tab", purpose: "Plain text that can be read anywhere." },
      { format: "svg", name: "SVG pages", purpose: "Every page as a picture, sharp at any size." },
      { format: "png", name: "PNG pages", purpose: "Every page as an ordinary picture." },
    ],
  },
  {
    title: "To play and produce",
    formats: [
      { format: "midi", name: "MIDI as played", purpose: "For a DAW, with the drummer’s own timing." },
      { format: "score-midi", name: "MIDI as written", purpose: "For a DAW, exactly on the grid." },
      { format: "drumless", name: "Song without drums", purpose: "The recording to play along with." },
      { format: "drums", name: "Drums alone", purpose: "The drum track, to listen closely." },
    ],
  },
  {
    title: "Data",
    formats: [
      { format: "csv", name: "CSV", purpose: "A table with one line for every stroke." },
      { format: "hits", name: "JSON", purpose: "Every stroke with its time, loudness and certainty." },
      { format: "jams", name: "JAMS", purpose: "Annotations as music research exchanges them." },
    ],
  },
];

/** Those formats of which there is a file. */
export function available(paths: Readonly<Record<string, string>>, wanted?: readonly string[]): FormatGroup[] {
  return FORMAT_GROUPS.map(({ title, formats }) => ({
    title,
    formats: formats.filter(({ format }) => paths[format] && (!wanted || wanted.includes(format))),
  })).filter(({ formats }) => formats.length > 0);
}
