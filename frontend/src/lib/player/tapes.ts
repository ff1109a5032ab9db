import type { Report } from "./messages";

/** What has arrived of one recording. */
export interface Tape {
  sampleRate: number;
  share: number;
  complete: boolean;
  peaks: readonly number[];
}

/** What has arrived of every recording that was asked for, by address. */
export class Tapes {
  private readonly tapes = new Map<string, Tape>();

  get(url: string | null | undefined): Tape | null {
    return (url && this.tapes.get(url)) || null;
  }

  /** Every recording of a song has the same; known once the first begins to arrive. */
  get sampleRate(): number | null {
    return [...this.tapes.values()][0]?.sampleRate ?? null;
  }

  /** Whether playing from a place would not have to wait. */
  reaches(url: string, place: number, duration: number): boolean {
    const tape = this.tapes.get(url);
    return !!tape && (tape.complete || tape.share * duration > place + 2);
  }

  hear(report: Extract<Report, { url: string }>): void {
    if (report.type === "failed" || report.type === "dropped") this.tapes.delete(report.url);
    else if (report.type === "format") this.tapes.set(report.url, { sampleRate: report.sampleRate, share: 0, complete: false, peaks: [] });
    else {
      const tape = this.tapes.get(report.url);
      if (!tape) return;
      const peaks = [...tape.peaks.slice(0, report.from), ...report.peaks];
      this.tapes.set(report.url, { ...tape, share: report.share, complete: report.complete, peaks });
    }
  }
}
