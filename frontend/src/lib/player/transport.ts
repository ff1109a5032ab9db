import type { Loop, Segment } from "./clock";
import { makeSegment, songTimeAt, unrolledAt } from "./clock";
import type { Report } from "./messages";
import { BLOCK } from "./messages";
import type { Output } from "./output";
import { countIn, due, dueBeats } from "./schedule";
import type { Source } from "./source";
import type { Song } from "./state";

const HORIZON = 1.2; // seconds of device time that are planned ahead
const LEAD = 0.06; // seconds between the first block's arrival and its sound
const CHANGE = 0.16; // seconds until a change while playing is heard

interface Run {
  id: number;
  segment: Segment;
  before: Segment | null; // what is heard until the segment begins
  started: boolean;
  arrived: boolean;
  counted: boolean;
  asked: number;
  planned: number; // unrolled place up to which drums and clicks are planned
}

/** Starts, plans and stops sound: blocks, drums and clicks all from the one segment of the clock. */
export class Transport {
  private run: Run | null = null;
  private lastId = 0;
  clicks = false;
  /** The recording that the next beginning plays; null: drums and clicks alone. */
  url: string | null = null;
  onStart: () => void = () => undefined;

  constructor(
    private readonly output: Output,
    private readonly source: Source,
    public song: Song,
    private readonly sampleRate: number,
  ) {}

  /** Begins at a place; while playing the old sound goes on until the new one takes over in step. */
  begin(place: number, rate: number, loop: Loop | null, count: boolean): void {
    const now = this.output.context.currentTime;
    const seamless = this.run?.started === true && !count;
    const at = this.grid(seamless ? now + CHANGE : now + LEAD);
    const sounding = this.run && (now < this.run.segment.at ? this.run.before : this.run.segment);
    this.output.clear(at, this.run?.arrived === false);
    const frame = Math.round(place * this.sampleRate);
    const segment = makeSegment(at, frame / this.sampleRate, rate, loop && this.inFrames(loop));
    this.run = {
      id: ++this.lastId,
      segment,
      before: seamless ? sounding : null,
      started: seamless,
      arrived: false,
      counted: count,
      asked: 1,
      planned: segment.position,
    };
    const frames = segment.loop && {
      start: Math.round(segment.loop.start * this.sampleRate),
      end: Math.round(segment.loop.end * this.sampleRate),
    };
    this.source.start(this.lastId, this.url, frame, rate, frames);
  }

  /** Place that will sound when a change made now takes effect. */
  placeOfChange(): number {
    if (!this.run) return 0;
    return songTimeAt(this.segmentAt(this.run, this.output.context.currentTime), this.output.context.currentTime + CHANGE);
  }

  stop(): void {
    this.source.stop();
    this.output.clear(0);
    this.run = null;
  }

  /** Place of the song that is heard at this moment. */
  heard(): number | null {
    if (!this.run) return null;
    if (!this.run.started) return this.run.segment.position;
    const time = this.output.context.currentTime - this.output.latency;
    return songTimeAt(this.segmentAt(this.run, time), time);
  }

  private segmentAt(run: Run, time: number): Segment {
    return run.before && time < run.segment.at ? run.before : run.segment;
  }

  get ended(): boolean {
    if (!this.run?.started || this.run.segment.loop) return false;
    return unrolledAt(this.run.segment, this.output.context.currentTime) >= this.song.duration;
  }

  take(report: Extract<Report, { type: "block" }>): void {
    const run = this.run;
    if (!run || report.run !== run.id) return;
    run.arrived = true;
    if (!run.started) this.arrive(run);
    const when = run.segment.at + (report.index * BLOCK) / this.sampleRate;
    this.output.block(report.channels, this.sampleRate, when);
    this.plan();
  }

  /** The first block is here: now the device time of the beginning is known. */
  private arrive(run: Run): void {
    const now = this.output.context.currentTime + LEAD;
    const waits = run.counted ? countIn(this.song.beats, this.song.bars, run.segment.position, run.segment.rate) : [];
    const longest = Math.max(0, ...waits);
    run.segment = { ...run.segment, at: this.grid(now + longest) };
    run.started = true;
    waits.forEach((wait) => this.output.click(wait === longest, run.segment.at - wait));
    this.onStart();
  }

  /** Plans what falls within the horizon; called with every tick of the worker, which a hidden page does not slow. */
  plan(): void {
    const run = this.run;
    if (!run?.started) return;
    const until = this.output.context.currentTime + HORIZON;
    while (run.segment.at + (run.asked * BLOCK) / this.sampleRate < until && !this.past(run)) {
      run.asked += 1;
      this.source.more(run.id);
    }
    const to = unrolledAt(run.segment, until);
    if (to <= run.planned) return;
    for (const { event, when } of due(this.song.hits, run.segment, run.planned, to))
      this.output.hit(event.instrument, event.velocity, when);
    if (this.clicks)
      for (const { event, when } of dueBeats(this.song.beats, run.segment, run.planned, to))
        this.output.click(event.number === 1, when);
    run.planned = to;
  }

  private past(run: Run): boolean {
    const reached = run.segment.position + (run.asked * BLOCK * run.segment.rate) / this.sampleRate;
    return !run.segment.loop && reached > this.song.duration + 0.5;
  }

  private grid(time: number): number {
    return Math.ceil(time * this.output.context.sampleRate) / this.output.context.sampleRate;
  }

  private inFrames(loop: Loop): Loop {
    const round = (time: number) => Math.round(time * this.sampleRate) / this.sampleRate;
    return { start: round(loop.start), end: round(loop.end) };
  }
}
