import type { Loop } from "./clock";
import { clampRate } from "./clock";
import { Deck } from "./deck";
import { Output } from "./output";
import { loopNear } from "./schedule";
import type { Song } from "./state";
import { Transport } from "./transport";

const PLAIN_RATE = 44100; // Hz, where no recording says otherwise

/** The player of one song: what the controls call, and the state that they show. */
export class Engine extends Deck {
  private resting = 0;

  /** Goes on with a newer revision of the song: place, speed and mix stay, a loop keeps to the nearest bar lines. */
  setSong(song: Song): void {
    if (song === this.song) return;
    const { loop } = this.state;
    this.song = song;
    this.set({ loop: loop && loopNear(song.bars, loop) });
    if (this.transport) this.transport.song = song;
    void this.output?.loadKit(song.drums).then(() => this.applyLevels());
    this.follow();
    this.renew();
  }

  /** Place of the song that is heard now, in seconds. */
  readonly now = (): number => this.transport?.heard() ?? this.resting;

  async play(): Promise<void> {
    const { source } = this;
    if (this.state.playing || !this.state.ready || !source) return;
    this.set({ playing: true, waiting: true });
    const output = (this.output ??= new Output(this.tapes.sampleRate ?? PLAIN_RATE));
    // At once and not after the kit: browsers let sound begin only while a press is being answered.
    const running = output.context.resume();
    await output.loadKit(this.song.drums);
    await running;
    if (!this.state.playing || this.transport || this.output !== output) return; // paused or closed meanwhile
    this.applyLevels();
    const transport = new Transport(output, source, this.song, output.context.sampleRate);
    this.transport = transport;
    transport.clicks = this.state.clickOn;
    transport.url = this.wanted;
    transport.onStart = () => this.set({ waiting: false });
    if (this.resting >= this.song.duration - 0.05) this.resting = 0;
    transport.begin(this.resting, this.state.rate, this.activeLoop(), this.state.countInOn);
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

  /** Lets the music leave the loop, or go back into it; the loop itself is kept. */
  toggleLoop(): void {
    const { loop, loopOn } = this.state;
    this.set({ loopOn: !loopOn });
    if (loop && !loopOn && this.now() >= loop.end) this.seek(loop.start);
    else this.renew();
  }

  toggleClick(): void {
    this.set({ clickOn: !this.state.clickOn });
    if (this.transport) this.transport.clicks = this.state.clickOn;
    this.renew();
  }

  override close(): void {
    this.pause();
    super.close();
  }

  private activeLoop(): Loop | null {
    return this.state.loopOn ? this.state.loop : null;
  }

  /** Begins anew where a change made now takes effect. */
  protected renew(): void {
    const transport = this.transport;
    transport?.begin(transport.placeOfChange(), this.state.rate, this.activeLoop(), false);
  }
}
