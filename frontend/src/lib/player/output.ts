import { renderKit } from "./kit";

export type Fader = "recording" | "drums" | "click";

interface Planned {
  source: AudioScheduledSourceNode;
  when: number;
  ends?: number;
}

const FADE = 0.008;
const RINGING = 2;

/** The audio device: one gain per fader and per drum, and everything that is planned to sound on it. */
export class Output {
  readonly context: AudioContext;
  private readonly faders: Record<Fader, GainNode>;
  private readonly drums = new Map<string, GainNode>();
  private readonly kit = new Map<string, AudioBuffer>();
  private planned: Planned[] = [];
  private openHat: { gain: GainNode; when: number } | null = null;

  constructor(sampleRate: number) {
    // At the recording's own rate nothing is resampled and blocks meet without a seam.
    this.context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    // No limiter: every browser's looks ahead and would set the drums behind the recording.
    const headroom = this.context.createGain();
    headroom.gain.value = 0.7;
    headroom.connect(this.context.destination);
    const fader = () => {
      const gain = this.context.createGain();
      gain.connect(headroom);
      return gain;
    };
    this.faders = { recording: fader(), drums: fader(), click: fader() };
  }

  /** Renders the drums that are not there yet. */
  async loadKit(drums: readonly string[]): Promise<void> {
    const missing = drums.filter((drum) => !this.kit.has(drum));
    for (const [drum, sound] of await renderKit(this.context.sampleRate, missing)) this.kit.set(drum, sound);
  }

  /** How long after its device time a sound is heard. */
  get latency(): number {
    const delay = this.context.outputLatency || this.context.baseLatency || 0;
    return Number.isFinite(delay) ? delay : 0;
  }

  setLevel(fader: Fader, level: number): void {
    this.faders[fader].gain.setTargetAtTime(level * level, this.context.currentTime, 0.01);
  }

  setDrum(drum: string, audible: boolean): void {
    this.drum(drum).gain.setTargetAtTime(audible ? 1 : 0, this.context.currentTime, 0.005);
  }

  private drum(drum: string): GainNode {
    let gain = this.drums.get(drum);
    if (!gain) {
      gain = this.context.createGain();
      gain.connect(this.faders.drums);
      this.drums.set(drum, gain);
    }
    return gain;
  }

  /** A block of the recording; what of it lies in the past is left out, so a late block is still in step. */
  block(channels: readonly Float32Array<ArrayBuffer>[], sampleRate: number, when: number): void {
    const first = channels[0];
    if (!first) return;
    const buffer = this.context.createBuffer(channels.length, first.length, sampleRate);
    channels.forEach((channel, side) => buffer.copyToChannel(channel, side));
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.faders.recording);
    const late = Math.max(0, this.context.currentTime + 0.003 - when);
    if (late < buffer.duration) this.plan(source, when + late, late);
  }

  hit(drum: string, velocity: number, when: number): void {
    const buffer = this.kit.get(drum);
    if (!buffer) return;
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    const tone = this.context.createBiquadFilter();
    tone.type = "lowpass";
    tone.frequency.value = Math.min(this.context.sampleRate / 2.2, 2500 + 16000 * velocity);
    gain.gain.value = 0.06 + 0.94 * velocity ** 1.7;
    source.buffer = buffer;
    source.connect(tone).connect(gain).connect(this.drum(drum));
    if (drum.startsWith("hihat")) this.closeHat(when);
    if (drum === "hihat_open") this.openHat = { gain, when };
    this.plan(source, when);
  }

  /** Feet or sticks that touch the hat end what still rings of the open one. */
  private closeHat(when: number): void {
    if (this.openHat && this.openHat.when < when) this.openHat.gain.gain.setTargetAtTime(0, when, 0.012);
    this.openHat = null;
  }

  click(accent: boolean, when: number): void {
    const source = this.context.createOscillator();
    const gain = this.context.createGain();
    const start = Math.max(when, this.context.currentTime);
    source.frequency.value = accent ? 1760 : 1175;
    gain.gain.setValueAtTime(0.5, start);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.05);
    source.connect(gain).connect(this.faders.click);
    this.plan(source, start);
    source.stop(start + 0.06);
  }

  private plan(source: AudioScheduledSourceNode, when: number, offset = 0): void {
    const entry: Planned = { source, when };
    this.planned.push(entry);
    source.onended = () => {
      source.disconnect();
      this.planned = this.planned.filter((other) => other !== entry);
    };
    if (source instanceof AudioBufferSourceNode) source.start(Math.max(when, 0), offset);
    else source.start(Math.max(when, 0));
  }

  /**
   * From a device time on nothing planned sounds any more; struck drums ring out. `prolong` lets what an earlier call
   * ended go on until this time, because what should have followed it has not come.
   */
  clear(from: number, prolong = false): void {
    for (const entry of this.planned) {
      if (entry.ends !== undefined && !prolong) continue;
      const isBlock = entry.source instanceof AudioBufferSourceNode && entry.source.buffer?.numberOfChannels === 2;
      if (entry.when >= from || isBlock) entry.ends = Math.max(from, this.context.currentTime + FADE / 2);
      else if (entry.ends !== undefined) entry.ends = entry.when + RINGING;
      if (entry.ends !== undefined) entry.source.stop(entry.ends);
    }
  }
}
