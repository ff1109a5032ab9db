import type { Fader, Output } from "./output";
import type { PlayerState, Song } from "./state";
import { audible, startState, toggled } from "./state";
import { Store } from "./store";

/** The mixing desk of the player: how loud everything is and which drums are heard. */
export class Desk extends Store<PlayerState> {
  protected output: Output | null = null;

  constructor(protected song: Song) {
    super(startState(song));
  }

  /** The written drums were turned up because nothing else was heard; they go down again with what is. */
  protected raised = false;

  setLevel(fader: Fader, level: number): void {
    if (fader === "drums") this.raised = false;
    this.mix({ levels: { ...this.state.levels, [fader]: level } });
  }

  toggleMute(drum: string): void {
    this.mix({ muted: toggled(this.state.muted, drum) });
  }

  toggleSolo(drum: string): void {
    this.mix({ solo: toggled(this.state.solo, drum) });
  }

  toggleCountIn(): void {
    this.set({ countInOn: !this.state.countInOn });
  }

  private mix(change: Partial<PlayerState>): void {
    this.set(change);
    this.applyLevels();
  }

  protected applyLevels(): void {
    const { levels } = this.state;
    for (const fader of ["recording", "drums", "click"] as const) this.output?.setLevel(fader, levels[fader]);
    for (const drum of this.song.drums) this.output?.setDrum(drum, audible(this.state, drum));
  }
}
