import type { GraphicalMeasure, OpenSheetMusicDisplay, VexFlowGraphicalNote } from "opensheetmusicdisplay";

import { drumOfInstrument } from "./drums";
import type { BarBox, Engraving, HeadMark } from "./engraving";
import { NoteFinder } from "./match";
import type { ScoreDocument } from "./score";

const PIXELS = 10; // OpenSheetMusicDisplay's unit, one staff space, at zoom 1
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

function boxOf(measure: GraphicalMeasure, index: number, zoom: number): BarBox {
  const scale = PIXELS * zoom;
  const { AbsolutePosition: place, Size: size } = measure.PositionAndShape;
  const stops = measure.staffEntries.flatMap((entry) => {
    const notes = entry.graphicalVoiceEntries.flatMap((voice) => voice.notes as VexFlowGraphicalNote[]);
    const first = notes.find((note) => note.vfnote && !note.sourceNote.IsGraceNote);
    return first ? [{ quarter: entry.relInMeasureTimestamp.RealValue * 4, x: middleOf(first) * zoom }] : [];
  });
  const x = place.x * scale;
  const width = size.width * scale;
  const length = (measure.parentSourceMeasure.ActiveTimeSignature?.RealValue ?? 1) * 4;
  return {
    index,
    x,
    y: (place.y - ABOVE) * scale,
    width,
    height: (4 + ABOVE + BELOW) * scale,
    stops: [...stops, { quarter: length, x: x + width }],
  };
}

function headsOf(measure: GraphicalMeasure, bar: number, finder: NoteFinder, zoom: number): HeadMark[] {
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

/** OpenSheetMusicDisplay behind the view's own idea of an engraving. */
export class OsmdEngraver {
  private constructor(
    private readonly display: OpenSheetMusicDisplay,
    private readonly finder: NoteFinder,
  ) {}

  static async load(host: HTMLElement, musicxml: string, score: ScoreDocument): Promise<OsmdEngraver> {
    const { OpenSheetMusicDisplay } = await import("opensheetmusicdisplay");
    const display = new OpenSheetMusicDisplay(host, {
      backend: "svg",
      autoResize: false,
      drawTitle: false,
      drawCredits: false,
      drawPartNames: false,
      drawPartAbbreviations: false,
      newSystemFromXML: false,
      newPageFromXML: false,
      disableCursor: true,
      drawingParameters: "compact",
    });
    const { EngravingRules: rules } = display;
    rules.RenderMeasureNumbersOnlyAtSystemStart = true;
    rules.DefaultFontFamily = "serif";
    rules.PageLeftMargin = 0.5;
    rules.PageRightMargin = 0.5;
    rules.PageTopMargin = 1;
    rules.PageBottomMargin = 1;
    rules.MinimumDistanceBetweenSystems = 3;
    rules.StretchLastSystemLine = false;
    await display.load(musicxml);
    return new OsmdEngraver(display, new NoteFinder(score));
  }

  /** Draws for the host's width; bars per line follow from it, at most as many as asked. */
  draw(zoom: number, barsPerLine: number): Engraving {
    const { display } = this;
    display.EngravingRules.RenderXMeasuresPerLineAkaSystem = barsPerLine;
    display.zoom = zoom;
    display.render();
    const measures = display.GraphicSheet.MeasureList.map((staves) => staves[0]);
    const scale = PIXELS * zoom;
    const bars = measures.flatMap((measure, index) => (measure ? [boxOf(measure, index, zoom)] : []));
    const heads = measures.flatMap((measure, index) => (measure ? headsOf(measure, index, this.finder, zoom) : []));
    const page = display.GraphicSheet.MusicPages[0]?.PositionAndShape.Size;
    return { width: (page?.width ?? 0) * scale, height: (page?.height ?? 0) * scale, unit: scale, bars, heads };
  }

  clear(): void {
    this.display.clear();
  }
}
