import { expect, it } from "vitest";

import { Problem } from "@/lib/api/problem";

import { formState } from "./form";
import { isOpenPage, safePath, signInAddress } from "./way-back";

it.each(["/library", "/jobs/1?bar=3#files", "/settings", "/"])("leads back to %s", (path) => expect(safePath(path)).toBe(path));

it.each([
  "https://evil.example/",
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/.//evil.example",
  "/x/..//evil.example",
  "/%2e//evil.example",
  "/\t/evil.example",
  "/\n//evil.example",
  "javascript:alert(1)",
  " //evil.example",
  "library",
  "",
  "/sign-in?next=/library",
  "/sign-up",
  "/api/v1/jobs",
  `/${"x".repeat(3000)}`,
])("never leads to %j", (wanted) => {
  const path = safePath(wanted);
  expect(new URL(path, "https://here.example").origin).toBe("https://here.example");
  expect(path).toBe("/");
});

it("names the way back only where there is one", () => {
  expect(signInAddress("/")).toBe("/sign-in");
  expect(signInAddress("/library", true)).toBe("/sign-in?ended=1&next=%2Flibrary");
  expect(signInAddress("//evil.example")).toBe("/sign-in");
});

it("knows which pages are open to everybody", () => {
  expect(["/accuracy", "/s/token", "/embed/token", "/demo.flac"].every(isOpenPage)).toBe(true);
  expect(["/", "/library", "/account", "/jobs/1", "/accuracy/x", "/settings.evil/x", "/s"].some(isOpenPage)).toBe(false);
});

const problem = (body: Partial<ConstructorParameters<typeof Problem>[0]>, wait: number | null = null) =>
  new Problem({ code: "invalid", detail: "The server's sentence.", ...body }, wait);

it("says when one may try again", () => {
  const state = formState(problem({ status: 429, code: "too_many_attempts" }, 722), ["email"], { email: "a@b.c" });
  expect(state).toEqual({ message: "There were too many attempts. You can try again in 12 minutes.", kept: { email: "a@b.c" } });
  expect(formState(problem({ status: 429 }), [])?.message).toContain("again later");
});

it("ties what is wrong to its field", () => {
  const errors = [
    { field: "body.email", message: "This is none." },
    { field: "body.other", message: "…" },
  ];
  expect(formState(problem({ status: 422, errors }), ["email"])).toEqual({ fields: { email: "This is none." }, kept: undefined });
  expect(formState(problem({ status: 409, code: "email_taken" }), ["email"])?.fields?.email).toContain("already");
  expect(formState(problem({ status: 401, code: "invalid_credentials" }), ["email", "password"])).toMatchObject({
    message: expect.stringContaining("do not belong together"),
  });
  expect(formState(problem({ status: 500 }), ["email"])).toEqual({ message: "The server's sentence.", kept: undefined });
});
