/**
 * Signalsmith Stretch, driven block by block. The published package wraps its WASM in an AudioWorkletProcessor; it is
 * hosted here outside an audio worklet, because worklets exist on secure origins only and a tablet on the music stand
 * often opens the service by a plain http address.
 */
import type { Loop } from "./clock";
import type { Pcm } from "./pcm";

interface StretchModule {
  HEAP8: Int8Array;
  _presetDefault(channels: number, sampleRate: number): void;
  _setBuffers(channels: number, frames: number): number;
  _inputLatency(): number;
  _outputLatency(): number;
  _reset(): void;
  _seek(frames: number, rate: number): void;
  _process(input: number, output: number): void;
}

type Hosted = new (options: object) => { wasmModule: StretchModule; port: { onReady: () => void } };

interface WorkletGlobals {
  AudioWorkletProcessor?: unknown;
  registerProcessor?: (name: string, processor: Hosted) => void;
  sampleRate?: number;
}

let hosted: Promise<Hosted> | null = null;

function host(): Promise<Hosted> {
  hosted ??= new Promise<Hosted>((resolve, reject) => {
    const scope = globalThis as WorkletGlobals;
    scope.AudioWorkletProcessor = class {
      port = {
        onReady: () => undefined,
        postMessage(message: unknown[]) {
          if (message[0] === "ready") this.onReady();
        },
      };
    };
    scope.registerProcessor = (_, processor) => resolve(processor);
    import("signalsmith-stretch").catch(reject);
  });
  return hosted;
}

async function loadModule(sampleRate: number): Promise<StretchModule> {
  const Processor = await host();
  (globalThis as WorkletGlobals).sampleRate = sampleRate;
  return new Promise((resolve) => {
    const processor = new Processor({});
    processor.port.onReady = () => resolve(processor.wasmModule);
  });
}

const CHANNELS = 2;
const LONGEST = 1 << 14; // frames of input or output in one call

/** Plays an unrolled line of song faster or slower without changing its pitch, in step to the sample. */
export class Stretcher {
  private constructor(
    private readonly module: StretchModule,
    private readonly input: number,
  ) {}

  static async load(sampleRate: number): Promise<Stretcher> {
    const loaded = await loadModule(sampleRate);
    loaded._presetDefault(CHANNELS, sampleRate);
    return new Stretcher(loaded, loaded._setBuffers(CHANNELS, LONGEST));
  }

  private written = 0;
  private origin = 0;
  private rate = 1;
  private taken = 0;

  /** How far ahead of what it gives the stretcher must have heard, in frames. */
  get reach(): number {
    return this.ahead + 2 * this.module._outputLatency();
  }

  private get ahead(): number {
    return this.module._inputLatency();
  }

  /** The next block begins exactly at this frame of the song. */
  start(pcm: Pcm, frame: number, rate: number, loop: Loop | null): void {
    // What is fed now is given when the output's latency has passed: run that far ahead and drop what comes before.
    const late = this.module._outputLatency();
    const before = this.module._inputLatency() + late;
    const lead = Math.round(late * rate);
    this.module._reset();
    this.feed(pcm.read(frame + this.ahead - before, before, loop));
    this.module._seek(before, rate);
    this.feed(pcm.read(frame + this.ahead, lead, loop));
    this.module._process(lead, late);
    Object.assign(this, { origin: frame + this.ahead + lead, rate, written: 0, taken: 0 });
  }

  next(pcm: Pcm, frames: number, loop: Loop | null): Float32Array[] {
    // Rounded from the start of the run, never from the last block: nothing adds up over a long song.
    this.written += frames;
    const end = Math.round(this.written * this.rate);
    this.feed(pcm.read(this.origin + this.taken, end - this.taken, loop));
    this.module._process(end - this.taken, frames);
    this.taken = end;
    return [0, 1].map((side) => this.view(CHANNELS + side, frames).slice());
  }

  private view(buffer: number, frames: number): Float32Array {
    return new Float32Array(this.module.HEAP8.buffer, this.input + buffer * LONGEST * 4, frames);
  }

  private feed(channels: readonly Float32Array[]): void {
    channels.forEach((channel, side) => this.view(side, channel.length).set(channel));
  }
}
