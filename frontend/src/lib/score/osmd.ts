import type { GraphicalMeasure, VexFlowGraphicalNote } from "opensheetmusicdisplay";

import { drumOfInstrument } from "./drums";
import type { BarBox, HeadMark } from "./engraving";
import type { NoteFinder } from "./match";

/** Where OpenSheetMusicDisplay has put bars and heads, in the page's pixels. */
export const PIXELS = 10; // OpenSheetMusicDisplay's unit, one staff space, at zoom 1
const ABOVE = 5; // units of a bar's box above and below its staff
const BELOW = 4;

/** What OpenSheetMusicDisplay's notes know of their drawing; VexFlow 1 has no complete types for it. */
interface Drawn {
  getYs(): number[];
  getAbsoluteX(): number;
  getGlyphWidth(): number;
}

/** Middle of a note or rest, in pixels at zoom 1. */
function middleOf(note: VexFlowGraphicalNote): number {
  const drawn = note.vfnote[0] as unknown as Drawn;
  return drawn.getAbsoluteX() + drawn.getGlyphWidth() / 2;
}

export function boxOf(measure: GraphicalMeasure, index: number, zoom: number): BarBox {
  const scale = PIXELS * zoom;
  const { AbsolutePosition: place, Size: size } = measure.PositionAndShape;
  const stops = measure.staffEntries.flatMap((entry) => {
    const notes = entry.graphicalVoiceEntries.flatMap((voice) => voice.notes as VexFlowGraphicalNote[]);
    const first = notes.find((note) => note.vfnote && !note.sourceNote.IsGraceNote);
    return first ? [{ quarter: entry.relInMeasureTimestamp.RealValue * 4, x: middleOf(first) * zoom }] : [];
  });
  const x = place.x * scale;
  const width = size.width * scale;
  const length = measure.parentSourceMeasure.Duration.RealValue * 4;
  return {
    index,
    x,
    y: (place.y - ABOVE) * scale,
    width,
    height: (4 + ABOVE + BELOW) * scale,
    stops: [...stops, { quarter: length, x: x + width }],
  };
}

export function headsOf(measure: GraphicalMeasure, bar: number, finder: NoteFinder, zoom: number): HeadMark[] {
  return measure.staffEntries.flatMap((entry) =>
    entry.graphicalVoiceEntries.flatMap((voice) =>
      voice.notes.flatMap((graphical) => {
        const head = graphical as VexFlowGraphicalNote;
        const { sourceNote: source, vfnote } = head;
        if (source.isRest() || source.IsGraceNote || !vfnote) return [];
        const drum = drumOfInstrument(source.PlaybackInstrumentId);
        const note = drum && finder.find(bar, drum, entry.relInMeasureTimestamp.RealValue * 4);
        if (!note) return [];
        const drawn = vfnote[0] as unknown as Drawn;
        const index = vfnote[1];
        return [
          {
            bar,
            x: middleOf(head) * zoom,
            y: (drawn.getYs()[index] ?? 0) * zoom,
            note,
            element: (head.getNoteheadSVGs()[index] as SVGElement | undefined) ?? null,
          },
        ];
      }),
    ),
  );
}
