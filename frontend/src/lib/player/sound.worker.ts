/** Holds the song's sound: downloads and decodes it as it streams in, and gives it back in blocks at any speed. */
import { RecordingGone, openRecording } from "@/lib/api/recordings";
import type { Loop } from "./clock";
import { decoderFor } from "./decode";
import type { Order, Report } from "./messages";
import { BLOCK } from "./messages";
import { Pcm } from "./pcm";
import { Stretcher } from "./stretch";

const scope = globalThis as unknown as {
  postMessage(report: Report, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<Order>) => void;
};
const KEPT_BYTES = 400 * 2 ** 20; // recordings that stay decoded beside the one that plays
const REPORT_EVERY_MS = 150;
const TICK_MS = 50;

const recordings = new Map<string, Pcm>();
const asked = new Set<string>(); // recordings that are here or on their way
let stretcher: Promise<Stretcher> | null = null;
let run: { id: number; pcm: Pcm | null; from: number; rate: number; loop: Loop | null; index: number; wanted: number } | null = null;
let busy = false;

function report(message: Report, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function makeRoom(url: string): void {
  for (const [other, pcm] of recordings) {
    const total = [...recordings.values()].reduce((sum, each) => sum + each.bytes, 0);
    if (total > KEPT_BYTES && other !== url && pcm !== run?.pcm) {
      recordings.delete(other);
      asked.delete(other);
      report({ type: "dropped", url: other });
    }
  }
}

async function load(url: string): Promise<void> {
  if (asked.has(url)) return; // the page was told what has come, and is told what comes
  asked.add(url);
  const { head, rest } = await openRecording(url);
  const { format, decoder } = await decoderFor(head);
  const pcm = new Pcm(format.sampleRate);
  recordings.set(url, pcm);
  report({ type: "format", url, ...format });
  let told = 0;
  let toldAt = 0;
  const tell = (complete: boolean) => {
    const share = complete ? 1 : pcm.available / Math.max(format.frames, pcm.available, 1);
    report({ type: "progress", url, share, from: told, peaks: pcm.peaks.slice(told), complete });
    told = pcm.peaks.length;
    toldAt = performance.now();
  };
  pcm.append(await decoder.decode(head));
  for await (const bytes of rest) {
    pcm.append(await decoder.decode(bytes));
    if (performance.now() - toldAt > REPORT_EVERY_MS) tell(false);
    void give();
  }
  pcm.append(await decoder.finish());
  pcm.complete = true;
  makeRoom(url);
  tell(true);
  void give();
}

/** Gives the blocks that were asked for, as far as the sound has arrived. */
async function give(): Promise<void> {
  if (busy) return;
  busy = true;
  try {
    while (run && run.index < run.wanted) {
      const { pcm, from, rate, loop, index, id } = run;
      if (!pcm) {
        run.index += 1;
        report({ type: "block", run: id, index, channels: [] });
        continue;
      }
      const slow = rate !== 1;
      const machine = slow ? await (stretcher ??= Stretcher.load(pcm.sampleRate)) : null;
      const end = from + Math.ceil((index + 1) * BLOCK * rate) + (machine?.reach ?? 0);
      if (!pcm.complete && pcm.available < Math.min(end, loop?.end ?? end)) return;
      if (run?.id !== id) continue;
      if (machine && index === 0) machine.start(pcm, from, rate, loop);
      const channels = (machine ? machine.next(pcm, BLOCK, loop) : pcm.read(from + index * BLOCK, BLOCK, loop)) as
        Float32Array<ArrayBuffer>[];
      run.index += 1;
      report({ type: "block", run: id, index, channels }, channels.map((channel) => channel.buffer));
    }
  } finally {
    busy = false;
  }
}

scope.onmessage = ({ data }) => {
  if (data.type === "load") {
    load(data.url).catch((error: unknown) => {
      recordings.delete(data.url);
      asked.delete(data.url);
      report({ type: "failed", url: data.url, gone: error instanceof RecordingGone });
    });
  } else if (data.type === "start") {
    const pcm = (data.url && recordings.get(data.url)) || null;
    run = { id: data.run, pcm, from: data.frame, rate: data.rate, loop: data.loop, index: 0, wanted: 1 };
  } else if (data.type === "more") {
    if (run?.id === data.run) run.wanted += 1;
  } else {
    run = null;
  }
  void give();
};

setInterval(() => run && report({ type: "tick" }), TICK_MS);
