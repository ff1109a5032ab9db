import { describe, expect, it } from "vitest";

import type { Action } from "./draft";
import { fold, hitOf, idOf, operations, sizeOf } from "./draft";

const draftOf = (...actions: Action[]) => fold(actions.map((action) => ({ actions: [action] })));
const stroke = { bar: 2, onset: "3/2", drum: "snare", velocity: 0.8, flam: false };
const snare = idOf({ drum: "snare", time: 12.345 });

describe("what unsaved corrections come to", () => {
  it("names a hit so that it is found again to the last digit", () => {
    const hit = { drum: "hihat_closed", time: 0.7790911622658788 };
    expect(hitOf(idOf(hit))).toEqual(hit);
  });

  it("says nothing of a note that was added and taken away again", () => {
    expect(operations(draftOf({ do: "add", id: "new-1", stroke }, { do: "delete", id: "new-1" }))).toEqual([]);
  });

  it("adds a note as it was left, not as it was first put", () => {
    const draft = draftOf({ do: "add", id: "new-1", stroke }, { do: "change", id: "new-1", to: { drum: "tom_high", flam: true } });
    expect(operations(draft)).toEqual([{ op: "add", ...stroke, drum: "tom_high", flam: true }]);
  });

  it("joins the changes of one hit and names it as the revision knows it", () => {
    const draft = draftOf({ do: "change", id: snare, to: { drum: "tom_low" } }, { do: "change", id: snare, to: { velocity: 0.4 } });
    expect(operations(draft)).toEqual([{ op: "change", drum: "snare", time: 12.345, to: { drum: "tom_low", velocity: 0.4 } }]);
  });

  it("only deletes what was changed, confirmed and then deleted", () => {
    const draft = draftOf({ do: "change", id: snare, to: { velocity: 1 } }, { do: "confirm", id: snare }, { do: "delete", id: snare });
    expect(operations(draft)).toEqual([{ op: "delete", drum: "snare", time: 12.345 }]);
    expect(sizeOf(draft)).toBe(1);
  });

  it("keeps the changes of a hit that was deleted and had back", () => {
    const draft = draftOf({ do: "change", id: snare, to: { velocity: 1 } }, { do: "delete", id: snare }, { do: "restore", id: snare });
    expect(operations(draft)).toEqual([{ op: "change", drum: "snare", time: 12.345, to: { velocity: 1 } }]);
  });

  it("does not confirm what was changed: a person wrote it already", () => {
    const draft = draftOf({ do: "confirm", id: snare }, { do: "change", id: snare, to: { flam: true } });
    expect(operations(draft).map(({ op }) => op)).toEqual(["change"]);
  });

  it("frees places before it fills them", () => {
    const draft = draftOf({ do: "add", id: "new-1", stroke }, { do: "change", id: "kick@1", to: { bar: 0, onset: "1" } }, { do: "delete", id: snare });
    expect(operations(draft).map(({ op }) => op)).toEqual(["delete", "change", "add"]);
  });
});
