import type { GraphicalMeasure, OpenSheetMusicDisplay } from "opensheetmusicdisplay";

import type { BarBox, HeadMark } from "./engraving";
import type { NoteFinder } from "./match";
import { PIXELS, boxOf, headsOf } from "./osmd";
import type { Slice } from "./slices";

/** One slice as it is drawn: the picture, and where everything lies in it. */
export interface Part {
  picture: SVGElement | null;
  height: number;
  bars: BarBox[];
  heads: HeadMark[];
}

const MARGINS = 1.2; // before and behind the notes of a bar, in staff spaces
const CLEF = 4.1; // of every line but the first
const LINES = [8, 4, 2, 1] as const; // bars on a line, the most first

async function makeDisplay(host: HTMLElement): Promise<OpenSheetMusicDisplay> {
  const { OpenSheetMusicDisplay } = await import("opensheetmusicdisplay");
  const display = new OpenSheetMusicDisplay(host, {
    backend: "svg",
    autoResize: false,
    drawTitle: false,
    drawCredits: false,
    drawPartNames: false,
    drawPartAbbreviations: false,
    newSystemFromXML: true,
    newPageFromXML: false,
    disableCursor: true,
    drawingParameters: "compact",
  });
  const { EngravingRules: rules } = display;
  rules.RenderMeasureNumbersOnlyAtSystemStart = true;
  rules.DefaultFontFamily = "serif";
  rules.PageLeftMargin = 0.5;
  rules.PageRightMargin = 0.5;
  rules.PageTopMargin = 1.5;
  rules.PageBottomMargin = 1.5;
  rules.MinimumDistanceBetweenSystems = 3;
  rules.StretchLastSystemLine = false;
  // Every bar is drawn, those in a long rest too: the cursor goes through them.
  rules.RenderMultipleRestMeasures = false;
  rules.AutoGenerateMultipleRestMeasuresFromRestMeasures = false;
  return display;
}

/** Draws one slice, again and again, into a host of its own that nobody sees. */
export class SliceEngraver {
  private widths: number[] | null = null;

  private constructor(
    private readonly host: HTMLElement,
    private readonly display: OpenSheetMusicDisplay,
  ) {}

  static async load(stage: HTMLElement, slice: Slice): Promise<SliceEngraver> {
    const host = document.createElement("div");
    stage.append(host);
    const display = await makeDisplay(host);
    await display.load(slice.musicxml);
    return new SliceEngraver(host, display);
  }

  draw(slice: Slice, finder: NoteFinder, zoom: number, barsPerLine: number): Part {
    const { display, host } = this;
    display.zoom = zoom;
    const measured = (this.widths ??= this.measure());
    const perLine = this.fitting(measured, slice, (host.offsetWidth / (PIXELS * zoom)) - 1, barsPerLine);
    // A last line that is as full as the others is as wide as they are.
    display.EngravingRules.StretchLastSystemLine = (slice.bars - slice.pickup) % perLine === 0;
    display.Sheet.SourceMeasures.forEach((measure, index) => {
      const counted = index - slice.pickup;
      measure.printNewSystemXml = counted > 0 && counted % perLine === 0;
    });
    display.render();
    const measures = this.measures();
    const bars = measures.map((measure, index) => boxOf(measure, slice.first + index, zoom));
    // Heads are found in the document: look for them before the picture leaves it.
    const heads = measures.flatMap((measure, index) => headsOf(measure, slice.first + index, finder, zoom));
    const picture = host.querySelector("svg");
    picture?.remove();
    const size = display.GraphicSheet.MusicPages[0]?.PositionAndShape.Size;
    return {
      picture,
      height: (size?.height ?? 0) * PIXELS * zoom,
      bars,
      heads,
    };
  }

  private measures(): GraphicalMeasure[] {
    return this.display.GraphicSheet.MeasureList.flatMap((staves) => staves[0] ?? []);
  }

  /** Least width of every bar, in staff spaces: it depends on its notes alone. The first one shows clef and metre. */
  private measure(): number[] {
    this.display.GraphicSheet.reCalculate();
    return this.measures().map((measure, index) => measure.minimumStaffEntriesWidth + (index ? MARGINS : measure.beginInstructionsWidth));
  }

  /** As many bars as asked for, but no more than fit on every line; 0 asks for as many as fit. */
  private fitting(widths: readonly number[], { pickup }: Slice, page: number, asked: number): number {
    const fits = (count: number) => {
      for (let first = pickup; first < widths.length; first += count) {
        const line = widths.slice(first === pickup ? 0 : first, first + count);
        if (line.reduce((sum, width) => sum + width, first === pickup ? 0 : CLEF) > page) return false;
      }
      return true;
    };
    return LINES.find((count) => (asked === 0 || count <= asked) && fits(count)) ?? 1;
  }

  free(): void {
    this.display.clear();
    this.host.remove();
  }
}
