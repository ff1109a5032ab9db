import { afterEach, describe, expect, it, vi } from "vitest";

import { copyFrom, embedCodeOf, linkOf } from "./links";

const TOKEN = "4fT0c9Zq1bYx7LrWm2Kd8P";

describe("links to a shared score", () => {
  it("lead to the page of this web app", () => expect(linkOf("https://drums.example", TOKEN)).toBe(`https://drums.example/s/${TOKEN}`));

  it("become a frame whose title is the song's, whatever that is", () => {
    const frame = new DOMParser().parseFromString(embedCodeOf("https://drums.example", TOKEN, `"Rock" & <b>Roll</b>`), "text/html");
    const found = frame.body.firstElementChild!;
    expect(frame.body.children).toHaveLength(1);
    expect(found.tagName).toBe("IFRAME");
    expect(found.getAttribute("src")).toBe(`https://drums.example/embed/${TOKEN}`);
    expect(found.getAttribute("title")).toBe(`Drum score: "Rock" & <b>Roll</b>`);
  });
});

describe("copying", () => {
  afterEach(() => vi.unstubAllGlobals());
  const field = Object.assign(document.createElement("input"), { value: "https://drums.example" });

  it("uses the clipboard where there is one", async () => {
    const writeText = vi.fn().mockResolvedValue(undefined);
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    expect(await copyFrom(field)).toBe(true);
    expect(writeText).toHaveBeenCalledWith("https://drums.example");
  });

  it("goes the old way where there is none, and says whether that worked", async () => {
    vi.stubGlobal("navigator", {});
    for (const worked of [true, false]) {
      document.execCommand = vi.fn().mockReturnValue(worked);
      expect(await copyFrom(field)).toBe(worked);
      expect(document.execCommand).toHaveBeenCalledWith("copy");
    }
  });
});
