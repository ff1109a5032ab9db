import type { Loop } from "./clock";
import type { Order, Report } from "./messages";

/** The page's side of the worker that holds the sound. */
export class Source {
  private readonly worker = new Worker(new URL("./sound.worker.ts", import.meta.url), { type: "module" });

  constructor(onReport: (report: Report) => void) {
    this.worker.onmessage = ({ data }: MessageEvent<Report>) => onReport(data);
  }

  load(url: string): void {
    this.send({ type: "load", url });
  }

  start(run: number, url: string | null, frame: number, rate: number, loop: Loop | null): void {
    this.send({ type: "start", run, url, frame, rate, loop });
  }

  more(run: number): void {
    this.send({ type: "more", run });
  }

  stop(): void {
    this.send({ type: "stop" });
  }

  close(): void {
    this.worker.terminate();
  }

  private send(order: Order): void {
    this.worker.postMessage(order);
  }
}
