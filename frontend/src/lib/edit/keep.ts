// Where unsaved corrections outlive a reload: in the browser, one song at a time, with the revision that they correct.
import type { Step } from "./draft";

export interface Kept {
  revision: number;
  steps: readonly Step[];
}

export interface Keeper {
  read(): Kept | null;
  keep(kept: Kept): void;
  forget(): void;
}

const isKept = (value: unknown): value is Kept & { tab: string } =>
  typeof value === "object" && value !== null && "revision" in value && "steps" in value && Array.isArray(value.steps);

/** Keeps the corrections of one song. `tab` tells our own from those of another tab, which are not ours to throw away. */
export function keeperOf(jobId: string, tab: string, storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null): Keeper {
  const key = `edits ${jobId}`;
  const read = () => {
    try {
      const value: unknown = JSON.parse(storage?.getItem(key) ?? "null");
      return isKept(value) ? value : null;
    } catch {
      return null; // no storage, or not what was written
    }
  };
  return {
    read() {
      const kept = read();
      if (kept) this.keep(kept); // from now on it is this tab's
      return kept && { revision: kept.revision, steps: kept.steps };
    },
    keep({ revision, steps }) {
      try {
        storage?.setItem(key, JSON.stringify({ revision, steps, tab }));
      } catch {
        // A browser that keeps nothing still edits; leaving the page warns.
      }
    },
    forget() {
      if (read()?.tab === tab) storage?.removeItem(key);
    },
  };
}
