/**
 * Draws a score slice by slice, in the pauses that the page has, so that no press waits for it. What is seen is a
 * picture that is finished: the next one is drawn out of sight and takes its place as a whole.
 */
import type { BarBox, Engraving, HeadMark } from "./engraving";
import { NoteFinder } from "./match";
import { PIXELS } from "./osmd";
import type { ScoreDocument } from "./score";
import { SliceEngraver } from "./slice-engraver";
import type { Slice } from "./slices";
import { slicesOf } from "./slices";

const GAP = 4.5; // staff spaces between slices: with what each leaves free itself, as much as between lines
const PAUSE_MS = 100; // how long a busy page may put off the next slice

export interface Look {
  zoom: number;
  barsPerLine: number; // 0: as many as fit
}

/** Shows some pictures under each other; called with the first ones as soon as they are there, then with all. */
export type Show = (pictures: HTMLElement[], engraving: Engraving) => void;

function pause(): Promise<unknown> {
  if (typeof requestIdleCallback === "function") return new Promise((resolve) => requestIdleCallback(resolve, { timeout: PAUSE_MS }));
  return new Promise((resolve) => setTimeout(resolve));
}

function framed(picture: SVGElement | null, width: number, height: number): HTMLElement {
  const frame = document.createElement("div");
  frame.className = "engraving-slice";
  frame.style.height = `${height}px`;
  frame.style.containIntrinsicSize = `${width}px ${height}px`;
  if (picture) frame.append(picture);
  return frame;
}

export class ScoreEngraver {
  private engravers = new Map<string, SliceEngraver>();
  private musicxml = "";
  private score: ScoreDocument | null = null;
  private slices: Slice[] = [];
  private finder: NoteFinder | null = null;
  private drawing: AbortController | null = null;

  /** Draws out of sight in a stage as wide as the page. */
  constructor(private readonly stage: HTMLElement) {}

  /** Takes a score, or a newer revision of it; slices without a change are not read again. */
  setScore(musicxml: string, score: ScoreDocument): void {
    if (musicxml === this.musicxml && score === this.score) return;
    this.slices = slicesOf(musicxml);
    this.finder = new NoteFinder(score);
    this.musicxml = musicxml;
    this.score = score;
    const kept = new Set(this.slices.map(keyOf));
    for (const [key, engraver] of this.engravers) {
      if (kept.has(key)) continue;
      engraver.free();
      this.engravers.delete(key);
    }
  }

  /** Draws for the stage's width. A call ends the one before it, which then resolves without showing anything. */
  async draw(look: Look, show: Show, early: boolean): Promise<void> {
    this.drawing?.abort();
    const { signal } = (this.drawing = new AbortController());
    const { finder, slices } = this;
    if (!finder) return;
    const width = this.stage.clientWidth;
    const pictures: HTMLElement[] = [];
    const bars: BarBox[] = [];
    const heads: HeadMark[] = [];
    let height = 0;
    const engraving = () => ({ zoom: look.zoom, width, height, unit: PIXELS * look.zoom, bars: [...bars], heads: [...heads] });
    for (const slice of slices) {
      await pause();
      const engraver = await this.engraverFor(slice);
      if (signal.aborted) return;
      const part = engraver.draw(slice, finder, look.zoom, look.barsPerLine);
      const gap = slice === slices.at(-1) ? 0 : GAP * PIXELS * look.zoom;
      pictures.push(framed(part.picture, width, part.height + gap));
      bars.push(...part.bars.map((box) => ({ ...box, y: box.y + height })));
      heads.push(...part.heads.map((head) => ({ ...head, y: head.y + height })));
      height += part.height + gap;
      if (early && pictures.length === 1) show(pictures, engraving());
    }
    show(pictures, engraving());
  }

  private async engraverFor(slice: Slice): Promise<SliceEngraver> {
    const key = keyOf(slice);
    const known = this.engravers.get(key);
    if (known) return known;
    const made = await SliceEngraver.load(this.stage, slice);
    this.engravers.get(key)?.free();
    this.engravers.set(key, made);
    return made;
  }

  free(): void {
    this.drawing?.abort();
    this.engravers.forEach((engraver) => engraver.free());
    this.engravers.clear();
  }
}

/** The place belongs to it: the same bars in two places are two pictures. */
function keyOf(slice: Slice): string {
  return `${slice.first} ${slice.musicxml}`;
}
