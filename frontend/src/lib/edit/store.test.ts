import { describe, expect, it } from "vitest";

import { keeperOf } from "./keep";
import { EditStore } from "./store";

const stroke = { bar: 0, onset: "1", drum: "snare", velocity: 0.8, flam: false };

function drawer() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    kept,
  };
}

describe("undo and redo", () => {
  it("take back and do again step by step, and a new step ends what could be done again", () => {
    const store = new EditStore(keeperOf("a", "tab", null));
    store.take(1, [{ do: "delete", id: "kick@1" }]);
    store.take(1, [{ do: "delete", id: "kick@2" }, { do: "delete", id: "kick@3" }]);
    expect(store.snapshot().count).toBe(3);
    store.undo();
    expect(store.snapshot().count).toBe(1);
    store.redo();
    expect(store.snapshot().count).toBe(3);
    store.undo();
    store.take(1, [{ do: "add", id: "new-1", stroke }]);
    store.redo();
    expect(store.snapshot().count).toBe(2);
    expect(store.snapshot().undone).toEqual([]);
  });

  it("take a gesture back as one, but not together with what came between", () => {
    const store = new EditStore(keeperOf("a", "tab", null));
    for (const velocity of [0.5, 0.6, 0.7]) store.take(1, [{ do: "change", id: "kick@1", to: { velocity } }], "fader");
    store.take(1, [{ do: "delete", id: "kick@2" }]);
    store.take(1, [{ do: "change", id: "kick@1", to: { velocity: 0.9 } }], "fader");
    expect(store.snapshot().steps).toHaveLength(3);
    store.undo();
    store.undo();
    expect(store.snapshot().draft.changed.get("kick@1")).toEqual({ velocity: 0.7 });
    store.undo();
    expect(store.snapshot()).toMatchObject({ count: 0, steps: [] });
  });

  it("do nothing where there is nothing", () => {
    const store = new EditStore(keeperOf("a", "tab", null));
    store.undo();
    store.redo();
    store.take(1, []);
    expect(store.snapshot()).toMatchObject({ count: 0, revision: 0 });
  });

  it("begin anew on another revision", () => {
    const store = new EditStore(keeperOf("a", "tab", null));
    store.take(1, [{ do: "delete", id: "kick@1" }]);
    store.take(2, [{ do: "delete", id: "kick@2" }]);
    expect(store.snapshot()).toMatchObject({ revision: 2, count: 1 });
  });
});

describe("unsaved corrections in the browser", () => {
  it("are there again after a reload, with names that are free", () => {
    const box = drawer();
    new EditStore(keeperOf("song", "tab 1", box)).take(3, [{ do: "add", id: "new-1", stroke }]);
    const again = new EditStore(keeperOf("song", "tab 2", box));
    expect(again.snapshot()).toMatchObject({ revision: 3, count: 1 });
    expect(again.freshId()).toBe("new-2");
    expect(new EditStore(keeperOf("another song", "tab 2", box)).snapshot().count).toBe(0);
  });

  it("are forgotten once they are saved or undone", () => {
    const box = drawer();
    const store = new EditStore(keeperOf("song", "tab", box));
    store.take(1, [{ do: "delete", id: "kick@1" }]);
    expect(box.kept.size).toBe(1);
    store.undo();
    expect(box.kept.size).toBe(0);
    store.redo();
    store.clear();
    expect(box.kept.size).toBe(0);
  });

  it("of another tab are left alone", () => {
    const box = drawer();
    const one = new EditStore(keeperOf("song", "tab 1", box));
    const other = new EditStore(keeperOf("song", "tab 2", box));
    one.take(1, [{ do: "delete", id: "kick@1" }]);
    other.take(1, [{ do: "delete", id: "kick@2" }]);
    one.clear();
    expect(new EditStore(keeperOf("song", "tab 3", box)).snapshot().draft.deleted.has("kick@2")).toBe(true);
  });

  it("that cannot be read, or cannot be kept, stop nobody", () => {
    const box = drawer();
    box.setItem("edits song", "{no JSON");
    expect(new EditStore(keeperOf("song", "tab", box)).snapshot().count).toBe(0);
    const full = { ...drawer(), setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
    const store = new EditStore(keeperOf("song", "tab", full));
    store.take(1, [{ do: "delete", id: "kick@1" }]);
    expect(store.snapshot().count).toBe(1);
  });
});
