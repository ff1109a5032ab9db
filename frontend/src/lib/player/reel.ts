import type { Loop } from "./clock";
import type { Report } from "./messages";
import { BLOCK } from "./messages";
import type { Pcm } from "./pcm";
import { Stretcher } from "./stretch";

type Block = Extract<Report, { type: "block" }>;

interface Run {
  id: number;
  /** Null: blocks without sound, which keep time for drums and clicks. */
  pcm: Pcm | null;
  from: number;
  rate: number;
  loop: Loop | null;
  index: number;
  wanted: number;
}

/** Gives the sound of a run block by block, at any speed, as far as it is wanted and has arrived. */
export class Reel {
  private run: Run | null = null;
  private stretcher: Promise<Stretcher> | null = null;
  private busy = false;

  constructor(private readonly onBlock: (block: Block) => void) {}

  get pcm(): Pcm | null {
    return this.run?.pcm ?? null;
  }

  get runs(): boolean {
    return this.run !== null;
  }

  start(id: number, pcm: Pcm | null, from: number, rate: number, loop: Loop | null): void {
    this.run = { id, pcm, from, rate, loop, index: 0, wanted: 1 };
  }

  more(id: number): void {
    if (this.run?.id === id) this.run.wanted += 1;
  }

  stop(): void {
    this.run = null;
  }

  async give(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.run && this.run.index < this.run.wanted) if (!(await this.giveNext(this.run))) return;
    } finally {
      this.busy = false;
    }
  }

  /** False where the sound has not arrived yet. */
  private async giveNext(run: Run): Promise<boolean> {
    const { pcm, from, rate, loop, index, id } = run;
    if (!pcm) {
      run.index += 1;
      this.onBlock({ type: "block", run: id, index, channels: [] });
      return true;
    }
    const machine = rate === 1 ? null : await (this.stretcher ??= Stretcher.load(pcm.sampleRate));
    if (this.run !== run) return true;
    const end = from + Math.ceil((index + 1) * BLOCK * rate) + (machine?.reach ?? 0);
    if (!pcm.complete && pcm.available < Math.min(end, loop?.end ?? end)) return false;
    if (machine && index === 0) machine.start(pcm, from, rate, loop);
    const channels = machine ? machine.next(pcm, BLOCK, loop) : pcm.read(from + index * BLOCK, BLOCK, loop);
    run.index += 1;
    this.onBlock({ type: "block", run: id, index, channels: channels as Float32Array<ArrayBuffer>[] });
    return true;
  }
}
