import { describe, expect, it } from "vitest";

import { isForged, isOpen } from "./doors";

const JOB = "v1/jobs/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a10";
const SHARED = "v1/shared/4fT0c9Zq1bYx7LrWm2Kd8P";

describe("what browsers may ask the API for", () => {
  it.each([
    ["GET", "v1/limits"],
    ["POST", "v1/jobs"],
    ["GET", JOB],
    ["PATCH", JOB],
    ["DELETE", JOB],
    ["POST", `${JOB}/cancel`],
    ["GET", `${JOB}/events`],
    ["GET", `${JOB}/download/score-midi`],
    ["POST", `${JOB}/revisions`],
    ["GET", "v1/auth/me"],
    ["GET", `${JOB}/shares`],
    ["POST", `${JOB}/shares`],
    ["DELETE", `${JOB}/shares/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a11`],
    ["GET", SHARED],
    ["GET", `${SHARED}/result`],
    ["HEAD", `${SHARED}/download/audio`],
  ])("%s %s is open", (method, path) => expect(isOpen(method, path)).toBe(true));

  it.each([
    ["GET", "metrics"],
    ["GET", "v1/webhooks/secret"],
    ["POST", "v1/auth/login"],
    ["POST", "v1/auth/refresh"],
    ["POST", "v1/auth/logout"],
    ["POST", "v1/auth/me"],
    ["POST", "v1/auth/me/delete"],
    ["GET", "v1/keys"],
    ["POST", "v1/keys"],
    ["PUT", JOB],
    ["GET", `${JOB}/cancel`],
    ["GET", "v1/jobs/../webhooks/secret"],
    ["GET", `${JOB}/download/../../../webhooks/secret`],
    ["GET", `${JOB}/download/pdf/..`],
    ["GET", `${JOB}/download/%2e%2e`],
    ["DELETE", `${JOB}/shares`],
    ["GET", `${JOB}/shares/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a11`],
    ["DELETE", SHARED],
    ["PATCH", SHARED],
    ["GET", `${SHARED}/events`],
    ["GET", "v1/shared/4fT0c9Zq1bYx7LrWm2Kd8"],
    ["GET", "v1/shared/..%2fwebhooks%2fsecret.."],
    ["GET", `${SHARED}/download/../result`],
    ["GET", "v2/jobs"],
    ["GET", ""],
  ])("%s %s is not", (method, path) => expect(isOpen(method, path)).toBe(false));
});

describe("changes that another site asks for", () => {
  const from = (headers: Record<string, string>) => new Headers({ host: "drums.example", ...headers });

  it.each([
    [{ "sec-fetch-site": "cross-site" }, true],
    [{ "sec-fetch-site": "same-site" }, true],
    [{ "sec-fetch-site": "same-origin" }, false],
    [{ origin: "https://evil.example" }, true],
    [{ origin: "null" }, true],
    [{ origin: "https://drums.example" }, false],
    [{ origin: "https://drums.example", host: "web:3000", "x-forwarded-host": "drums.example" }, false],
    [{}, false],
  ])("%j: %s", (headers, forged) => expect(isForged("DELETE", from(headers as Record<string, string>))).toBe(forged));

  it("leaves reading alone", () => expect(isForged("GET", from({ "sec-fetch-site": "cross-site" }))).toBe(false));
});
