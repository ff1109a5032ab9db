/** The parts of score.json that drawing and playing need. Positions are quarter notes, written as fractions. */
export interface ScoreNote {
  onset: string;
  drum: string;
  voice: number;
  velocity: number;
  confidence?: number | null;
  time?: number | null;
  ghost?: boolean;
  accent?: boolean;
  grace?: number;
  tremolo?: number;
}

export interface ScoreBar {
  number: number;
  start: string;
  time: number;
  time_signature: { numerator: number; denominator: number };
  /** Actual length of a pick-up that is shorter than its metre. */
  length?: string | null;
  notes: ScoreNote[];
}

export interface ScoreDocument {
  title?: string;
  bars: ScoreBar[];
  tempo_map: { anchors: { position: string; time: number }[] };
}

type Written = { [key: string]: unknown; bars?: (Omit<ScoreBar, "notes"> & { notes?: ScoreNote[] })[]; tempo_map?: { anchors?: ScoreDocument["tempo_map"]["anchors"] } };

/** Reads score.json, which leaves out what is empty: the notes of a bar's rest, the bars of a song without drums. */
export function readScore(text: string): ScoreDocument {
  const written = JSON.parse(text) as Written;
  const bars = (written.bars ?? []).map((bar) => ({ ...bar, notes: bar.notes ?? [] }));
  return { ...written, bars, tempo_map: { anchors: written.tempo_map?.anchors ?? [] } };
}

/** When one bar sounds, in seconds of the recording. */
export interface BarTime {
  index: number;
  number: number;
  start: number;
  end: number;
}

/** Value of a fraction such as "7/2". */
export function quarters(fraction: string): number {
  const [numerator, denominator = "1"] = fraction.split("/");
  return Number(numerator) / Number(denominator);
}

/** The seconds of every bar: each ends where the next begins, the last at the last anchor of the tempo map. */
export function barTimes(score: ScoreDocument): BarTime[] {
  const end = score.tempo_map.anchors.at(-1)?.time ?? 0;
  return score.bars.map((bar, index) => ({
    index,
    number: bar.number,
    start: bar.time,
    end: score.bars[index + 1]?.time ?? Math.max(end, bar.time + 0.01),
  }));
}

/** Index of the bar that sounds at a time; before the first bar it is 0, after the last the last one. */
export function barAt(bars: readonly BarTime[], time: number): number {
  let low = 0;
  let high = bars.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((bars[middle]?.start ?? 0) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** One place in the engraving where something is played: its quarter within the bar and when it sounds. */
export interface Onset {
  quarter: number;
  time: number;
}

/** Onsets of one bar in order, the bar's own borders included, so that a cursor can glide between them. */
export function onsetsOf(score: ScoreDocument, bars: readonly BarTime[], index: number): Onset[] {
  const bar = score.bars[index];
  const times = bars[index];
  if (!bar || !times) return [];
  const origin = quarters(bar.start);
  const length = bar.length ? quarters(bar.length) : (bar.time_signature.numerator * 4) / bar.time_signature.denominator;
  const inside = score.tempo_map.anchors
    .map((anchor) => ({ quarter: quarters(anchor.position) - origin, time: anchor.time }))
    .filter((anchor) => anchor.quarter > 0 && anchor.quarter < length);
  return [{ quarter: 0, time: times.start }, ...inside, { quarter: length, time: times.end }];
}

/** Quarter within the bar that sounds at a time, along the tempo map's anchors. */
export function quarterAt(onsets: readonly Onset[], time: number): number {
  for (let index = 1; index < onsets.length; index++) {
    const before = onsets[index - 1];
    const after = onsets[index];
    if (before && after && time <= after.time) {
      const share = (time - before.time) / Math.max(after.time - before.time, 1e-9);
      return before.quarter + Math.max(0, share) * (after.quarter - before.quarter);
    }
  }
  return onsets.at(-1)?.quarter ?? 0;
}
