import { Desk } from "./desk";
import type { Report } from "./messages";
import { Source } from "./source";
import type { Sound, Track } from "./state";
import { TRACKS, WRITTEN_LEVEL } from "./state";
import { Tapes } from "./tapes";
import type { Transport } from "./transport";

/** The recordings of the player: which one is listened to, and what has arrived of it. */
export abstract class Deck extends Desk {
  protected source: Source | null = null;
  protected transport: Transport | null = null;
  protected tapes = new Tapes();

  protected abstract renew(): void;
  abstract pause(): void;

  /** Begins to load; `close` lets go of everything again. */
  open(): void {
    this.tapes = new Tapes();
    this.source = new Source((report) => this.hear(report));
    this.follow();
  }

  close(): void {
    this.source?.close();
    void this.output?.context.close();
    this.output = this.source = null;
  }

  /** Address of the recording that is listened to. */
  protected get wanted(): string | null {
    const { sound } = this.state;
    return sound === "written" ? null : (this.song.tracks[sound] ?? null);
  }

  /** Listens to something else from the place where the music is; what is heard goes on until the other has arrived. */
  setSound(sound: Sound): void {
    if (sound !== "written" && !this.song.tracks[sound]) return;
    const { levels } = this.state;
    const quiet = sound === "written" && levels.drums === 0;
    const drums = quiet ? WRITTEN_LEVEL : this.raised && sound !== "written" ? 0 : levels.drums;
    this.raised = quiet || (this.raised && sound === "written");
    this.set({ sound, failure: null, levels: { ...levels, drums } });
    this.applyLevels();
    this.follow();
  }

  /** Asks for the recording that is wanted, shows what there is of it, and turns to it as soon as that is enough. */
  protected follow(): void {
    const url = this.wanted;
    if (!url && this.state.sound !== "written") return this.setSound(TRACKS.find((track) => this.song.tracks[track]) ?? "written");
    if (url && !this.tapes.get(url)) this.source?.load(url);
    this.showTape();
    this.turn();
  }

  private showTape(): void {
    const url = this.wanted;
    const tape = this.tapes.get(url);
    this.set({ ready: !url || !!tape, loaded: url ? (tape?.share ?? 0) : 1, peaks: tape?.peaks ?? [] });
  }

  private turn(): void {
    const { transport, wanted } = this;
    if (!transport || transport.url === wanted) return;
    if (wanted && !this.tapes.reaches(wanted, transport.placeOfChange(), this.song.duration)) return this.set({ waiting: true });
    transport.url = wanted;
    this.set({ waiting: false });
    this.renew();
  }

  private hear(report: Report): void {
    if (report.type === "block") this.transport?.take(report);
    else if (report.type === "tick") {
      this.transport?.plan();
      if (this.transport?.ended) this.pause();
    } else {
      this.tapes.hear(report);
      if (report.url !== this.wanted) return;
      if (report.type === "dropped") this.follow();
      else if (report.type === "failed") this.fail(this.state.sound as Track, report.gone);
      else {
        this.showTape();
        this.turn();
      }
    }
  }

  /** Without the recording the music goes on with the one before it, or with the written drums. */
  private fail(track: Track, gone: boolean): void {
    const before = TRACKS.find((each) => each !== track && this.song.tracks[each] && this.song.tracks[each] === this.transport?.url);
    this.setSound(before ?? "written");
    this.set({ failure: { track, gone }, waiting: false });
  }
}
