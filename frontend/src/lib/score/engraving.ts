import type { ScoreNote } from "./score";

/** Where one bar lies on the page, in pixels, and where its beats lie in it. */
export interface BarBox {
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
  stops: { quarter: number; x: number }[];
}

/** Where one note head lies, with the note of score.json that it shows. */
export interface HeadMark {
  bar: number;
  x: number;
  y: number;
  note: ScoreNote;
  element: SVGElement | null;
}

/** One engraving on the page: what an engine gives the view, whichever engine it is. */
export interface Engraving {
  zoom: number;
  width: number;
  height: number;
  unit: number; // pixels between two staff lines
  bars: BarBox[];
  heads: HeadMark[];
}

/** Horizontal place of a quarter within its bar, between the nearest engraved beats. */
export function xOf(box: BarBox, quarter: number): number {
  let before = box.stops[0];
  for (const stop of box.stops) {
    if (stop.quarter > quarter) {
      if (!before) return stop.x;
      return before.x + ((quarter - before.quarter) / (stop.quarter - before.quarter)) * (stop.x - before.x);
    }
    before = stop;
  }
  return before?.x ?? box.x;
}

/** The bar at a point of the page; a point between lines belongs to the nearest one. */
export function barAtPoint(bars: readonly BarBox[], x: number, y: number): BarBox | null {
  let best: BarBox | null = null;
  let least = Infinity;
  for (const box of bars) {
    const right = Math.max(0, box.x - x, x - (box.x + box.width));
    const down = Math.max(0, box.y - y, y - (box.y + box.height));
    if (right + down * 4 < least) {
      least = right + down * 4;
      best = box;
    }
  }
  return best;
}
