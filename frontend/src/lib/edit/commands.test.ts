import { describe, expect, it } from "vitest";

import * as commands from "./commands";
import { fold } from "./draft";
import type { Action } from "./draft";
import { findNote, indexNotes, notesOf } from "./notes";
import { heard, songOfBars } from "./songs.fixture";

const song = songOfBars(
  [
    heard("snare", "1", 0.5, { confidence: 0.3 }),
    heard("hihat_closed", "1", 0.501),
    heard("kick", "0", 0, { velocity: 127 }),
    heard("tom_low", "3", 1.5, { grace: 1 }),
  ],
  [heard("kick", "0", 2)],
);
const index = indexNotes(song);
const named = (drum: string, onset: string) => `${drum} on ${onset}`;

function desk(...actions: Action[]) {
  const draft = fold([{ actions }]);
  const bar = (at: number) => notesOf(index, song, draft, at);
  const note = (id: string) => {
    const found = findNote(index, draft, id);
    if (!found) throw new Error(`There is no ${id}.`);
    return found;
  };
  return { draft, bar, note };
}
const snare = "snare@0.5";

describe("one bar with its corrections", () => {
  it("shows notes as the service wrote them", () => {
    expect(desk().bar(0).notes.map(({ id, flam, velocity, state }) => [id, flam, Math.round(velocity * 100), state])).toEqual([
      ["kick@0", false, 100, "heard"],
      ["snare@0.5", false, 79, "heard"],
      ["hihat_closed@0.501", false, 79, "heard"],
      ["tom_low@1.5", true, 79, "heard"],
    ]);
  });

  it("shows a note in the bar to which it was moved, and no longer in its own", () => {
    const { bar } = desk({ do: "change", id: snare, to: { bar: 1, onset: "2" } });
    expect(bar(0).notes.map(({ id }) => id)).not.toContain(snare);
    expect(bar(1).notes.map(({ id, onset, state }) => [id, onset, state])).toContainEqual([snare, "2", "changed"]);
  });

  it("remembers where something was deleted, and what a person has confirmed", () => {
    const { bar } = desk({ do: "delete", id: snare }, { do: "confirm", id: "kick@0" });
    expect(bar(0).deleted.map(({ id }) => id)).toEqual([snare]);
    expect(bar(0).notes.map(({ state }) => state)).toEqual(["confirmed", "heard", "heard"]);
  });
});

describe("pressing an empty place", () => {
  it("adds a stroke there", () => {
    const { actions } = commands.put(desk().bar(0), { bar: 0, onset: "2", drum: "snare" }, 0.7, () => "new-1", named);
    expect(actions).toEqual([{ do: "add", id: "new-1", stroke: { bar: 0, onset: "2", drum: "snare", velocity: 0.7, flam: false } }]);
  });

  it("brings back what was deleted there, with all that was known of it", () => {
    const { bar } = desk({ do: "delete", id: snare });
    expect(commands.put(bar(0), { bar: 0, onset: "1", drum: "snare" }, 0.7, () => "new-1", named).actions).toEqual([{ do: "restore", id: snare }]);
  });

  it("opens the closed hat rather than writing both at once", () => {
    const { actions } = commands.put(desk().bar(0), { bar: 0, onset: "1", drum: "hihat_open" }, 0.7, () => "new-1", named);
    expect(actions).toEqual([{ do: "change", id: "hihat_closed@0.501", to: { drum: "hihat_open" } }]);
  });
});

describe("moving a note", () => {
  it("names only what becomes another", () => {
    const { bar, note } = desk();
    const to = (place: object) => commands.move(bar(0), note(snare), { bar: 0, onset: "1", drum: "snare", ...place }, named).actions;
    expect(to({ drum: "tom_low" })).toEqual([{ do: "change", id: snare, to: { drum: "tom_low" } }]);
    expect(to({ onset: "3/2" })).toEqual([{ do: "change", id: snare, to: { bar: 0, onset: "3/2" } }]);
    expect(to({})).toEqual([]);
  });

  it("does not stack two strokes of one drum", () => {
    const { bar, note } = desk();
    const { actions, said } = commands.move(bar(0), note(snare), { bar: 0, onset: "1", drum: "hihat_closed" }, named);
    expect(actions).toEqual([]);
    expect(said).toContain("already");
  });

  it("turns a snare into a cross stick without deleting it", () => {
    const { bar, note } = desk();
    const { actions } = commands.move(bar(0), note(snare), { bar: 0, onset: "1", drum: "cross_stick" }, named);
    expect(actions).toEqual([{ do: "change", id: snare, to: { drum: "cross_stick" } }]);
  });

  it("takes the place of the other way to play the same", () => {
    const { bar, note } = desk();
    const { actions } = commands.move(bar(0), note(snare), { bar: 0, onset: "1", drum: "hihat_open" }, named);
    expect(actions).toEqual([
      { do: "delete", id: "hihat_closed@0.501" },
      { do: "change", id: snare, to: { drum: "hihat_open" } },
    ]);
  });
});

describe("loudness, flams, confirmations", () => {
  it("keep loudness between just audible and full", () => {
    const { note } = desk();
    expect(commands.loudness(note("kick@0"), 1.2).actions).toEqual([]);
    expect(commands.loudness(note(snare), -1).actions).toEqual([{ do: "change", id: snare, to: { velocity: 0.01 } }]);
    expect(commands.level(note(snare), "ghost").actions).toEqual([{ do: "change", id: snare, to: { velocity: 0.2 } }]);
  });

  it("turn a flam on and off", () => {
    expect(commands.flam(desk().note("tom_low@1.5")).actions).toEqual([{ do: "change", id: "tom_low@1.5", to: { flam: false } }]);
    expect(commands.flam(desk().note("kick@0"))).toMatchObject({ actions: [] }); // none is written there
    expect(commands.flam(desk().note(snare)).actions).toEqual([{ do: "change", id: snare, to: { flam: true } }]);
  });

  it("confirm what was heard, once, and not what a person wrote", () => {
    const { bar, draft } = desk({ do: "confirm", id: snare }, { do: "change", id: "kick@0", to: { velocity: 0.3 } });
    expect(commands.confirm(bar(0).notes, draft, named).actions).toEqual([
      { do: "confirm", id: "hihat_closed@0.501" },
      { do: "confirm", id: "tom_low@1.5" },
    ]);
  });

  it("leave the grace note behind where the new drum has none", () => {
    const { bar, note } = desk();
    const { actions } = commands.move(bar(0), note("tom_low@1.5"), { bar: 0, onset: "3", drum: "kick" }, named);
    expect(actions).toEqual([{ do: "change", id: "tom_low@1.5", to: { drum: "kick", flam: false } }]);
  });
});
