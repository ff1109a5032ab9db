import type { ScoreDocument, ScoreNote } from "./score";
import { quarters } from "./score";

/** Finds the note of score.json that a note head shows, by bar, drum and quarter within the bar. */
export class NoteFinder {
  private readonly notes = new Map<string, ScoreNote>();

  constructor(score: ScoreDocument) {
    score.bars.forEach((bar, index) => {
      for (const note of bar.notes) this.notes.set(NoteFinder.key(index, note.drum, quarters(note.onset)), note);
    });
  }

  /** Engines count in floats: a 96th of a quarter tells any two written places apart. */
  private static key(bar: number, drum: string, quarter: number): string {
    return `${bar} ${drum} ${Math.round(quarter * 96)}`;
  }

  find(bar: number, drum: string, quarter: number): ScoreNote | null {
    return this.notes.get(NoteFinder.key(bar, drum, quarter)) ?? null;
  }
}
