import type { Loop } from "./clock";
import { clampRate } from "./clock";
import type { Report } from "./messages";
import { Desk } from "./desk";
import { Output } from "./output";
import { loopNear } from "./schedule";
import { Source } from "./source";
import type { Song, Track } from "./state";
import { Transport } from "./transport";

/** The player of one song: what the controls call, and the state that they show. */
export class Engine extends Desk {
  private source: Source | null = null;
  private transport: Transport | null = null;
  private sampleRate = 0;
  private resting = 0;
  private goOn = false;

  /** Loads the recording; `close` lets go of everything again. */
  open(): void {
    this.source = new Source((report) => this.hear(report));
    this.load();
  }

  private load(): void {
    const url = this.state.track && this.song.tracks[this.state.track];
    if (url) this.source?.load(url);
  }

  /** Goes on with a newer revision of the song: place, speed and mix stay, a loop keeps to the nearest bar lines. */
  setSong(song: Song): void {
    if (song === this.song) return;
    const { track, loop } = this.state;
    const before = track && this.song.tracks[track];
    this.song = song;
    this.set({ loop: loop && loopNear(song.bars, loop) });
    if (this.transport) this.transport.song = song;
    void this.output?.loadKit(song.drums).then(() => this.applyLevels());
    if (track && song.tracks[track] !== before) this.load();
    this.renew();
  }

  /** Place of the song that is heard now, in seconds. */
  readonly now = (): number => this.transport?.heard() ?? this.resting;

  async play(): Promise<void> {
    const { source } = this;
    if (this.state.playing || !this.sampleRate || !source) return;
    this.set({ playing: true, waiting: true });
    if (!this.output) {
      this.output = new Output(this.sampleRate);
      await this.output.loadKit(this.song.drums);
      this.applyLevels();
    }
    await this.output.context.resume();
    this.transport = new Transport(this.output, source, this.song, this.sampleRate);
    this.transport.clicks = this.state.clickOn;
    this.transport.onStart = () => this.set({ waiting: false });
    if (this.resting >= this.song.duration - 0.05) this.resting = 0;
    this.transport.begin(this.resting, this.state.rate, this.activeLoop(), this.state.countInOn);
  }

  pause(): void {
    this.resting = this.now();
    this.transport?.stop();
    this.transport = null;
    this.set({ playing: false, waiting: false });
  }

  toggle(): void {
    if (this.state.playing) this.pause();
    else void this.play();
  }

  seek(place: number): void {
    const target = Math.min(Math.max(0, place), this.song.duration);
    this.resting = target;
    this.transport?.begin(target, this.state.rate, this.activeLoop(), false);
    this.set({});
  }

  setRate(rate: number): void {
    this.set({ rate: clampRate(rate) });
    this.renew();
  }

  /** A loop starts at its first bar unless the place is already inside it. */
  setLoop(loop: Loop | null): void {
    this.set({ loop, loopOn: true });
    const place = this.now();
    if (loop && (place < loop.start || place >= loop.end)) this.seek(loop.start);
    else this.renew();
  }

  toggleLoop(): void {
    this.set({ loopOn: !this.state.loopOn });
    this.renew();
  }

  setTrack(track: Track): void {
    if (!this.song.tracks[track] || track === this.state.track) return;
    this.goOn = this.state.playing;
    this.pause();
    this.set({ track, status: "loading", loaded: 0, peaks: [] });
    this.load();
  }

  toggleClick(): void {
    this.set({ clickOn: !this.state.clickOn });
    if (this.transport) this.transport.clicks = this.state.clickOn;
    this.renew();
  }

  close(): void {
    this.pause();
    this.source?.close();
    void this.output?.context.close();
    this.output = this.source = null;
  }

  private activeLoop(): Loop | null {
    return this.state.loopOn ? this.state.loop : null;
  }

  private renew(): void {
    const transport = this.transport;
    transport?.begin(transport.placeOfChange(), this.state.rate, this.activeLoop(), false);
  }

  private hear(report: Report): void {
    const wanted = this.state.track && this.song.tracks[this.state.track];
    if (report.type === "block") this.transport?.take(report);
    else if (report.type === "tick") {
      this.transport?.plan();
      if (this.transport?.ended) this.pause();
    } else if (report.url !== wanted) return;
    else if (report.type === "format") {
      this.sampleRate = report.sampleRate;
      this.set({ status: "ready" });
      if (this.goOn) void this.play();
    } else if (report.type === "failed") this.set({ status: "failed", message: report.message });
    else this.set({ loaded: report.share, peaks: [...this.state.peaks.slice(0, report.from), ...report.peaks] });
  }
}
