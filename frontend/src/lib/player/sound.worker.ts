/** Holds the song's sound: downloads and decodes it as it streams in, and gives it back in blocks at any speed. */
import { RecordingGone, openRecording } from "@/lib/api/recordings";
import { decoderFor } from "./decode";
import type { Order, Report } from "./messages";
import { Pcm } from "./pcm";
import { Reel } from "./reel";

const scope = globalThis as unknown as {
  postMessage(report: Report, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<Order>) => void;
};
const KEPT_BYTES = 400 * 2 ** 20; // recordings that stay decoded beside the one that plays
const REPORT_EVERY_MS = 150;
const TICK_MS = 50;

const recordings = new Map<string, Pcm>();
const asked = new Set<string>(); // recordings that are here or on their way
const reel = new Reel((block) => report(block, block.channels.map((channel) => channel.buffer)));

function report(message: Report, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function makeRoom(url: string): void {
  for (const [other, pcm] of recordings) {
    const total = [...recordings.values()].reduce((sum, each) => sum + each.bytes, 0);
    if (total > KEPT_BYTES && other !== url && pcm.complete && pcm !== reel.pcm) {
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
    void reel.give();
  }
  pcm.append(await decoder.finish());
  pcm.complete = true;
  makeRoom(url);
  tell(true);
  void reel.give();
}

scope.onmessage = ({ data }) => {
  if (data.type === "load") {
    load(data.url).catch((error: unknown) => {
      recordings.delete(data.url);
      asked.delete(data.url);
      report({ type: "failed", url: data.url, gone: error instanceof RecordingGone });
    });
  } else if (data.type === "start") {
    reel.start(data.run, (data.url && recordings.get(data.url)) || null, data.frame, data.rate, data.loop);
  } else if (data.type === "more") reel.more(data.run);
  else reel.stop();
  void reel.give();
};

setInterval(() => reel.runs && report({ type: "tick" }), TICK_MS);
