// @vitest-environment node
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, expect, it, vi } from "vitest";

import { forward } from "./forward";
import { keySession, sealed, SESSION_COOKIE } from "./session";

const JOB = "v1/jobs/1f0c8f3e-8f0f-4d5c-9a55-0d0f2f9d3a10";
let server: Server | undefined;

/** A real server in the API's place. */
async function api(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("API_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

afterEach(() => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

it("holds no upload in memory", async () => {
  const CHUNK = 1_000_000;
  const CHUNKS = 300;
  let arrived = 0;
  await api((request, response) => {
    request.on("data", (bytes: Buffer) => (arrived += bytes.length));
    request.on("end", () => response.writeHead(202).end("{}"));
  });
  let left = CHUNKS;
  let peak = 0;
  const before = process.memoryUsage().rss;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      peak = Math.max(peak, process.memoryUsage().rss - before);
      if (left-- === 0) controller.close();
      else controller.enqueue(new Uint8Array(CHUNK).fill(left));
      await new Promise((resolve) => setTimeout(resolve, 2)); // as fast as a network, so that garbage can be collected
    },
  });
  const request = new Request("http://web/api/v1/jobs", { method: "POST", body, duplex: "half" } as RequestInit);
  expect((await forward(request, "v1/jobs")).status).toBe(202);
  expect(arrived).toBe(CHUNK * CHUNKS);
  expect(peak).toBeLessThan((CHUNK * CHUNKS) / 2);
}, 30_000);

it("passes on what is asked and who asks, and keeps the cookies to itself", async () => {
  let seen: IncomingMessage["headers"] = {};
  await api((request, response) => {
    seen = request.headers;
    response.writeHead(206, { "content-range": "bytes 0-3/8", "set-cookie": "a=b" }).end("drum");
  });
  const headers = { range: "bytes=0-3", cookie: "theme=dark", "x-forwarded-for": "203.0.113.9" };
  const answer = await forward(new Request(`http://web/api/${JOB}/download/audio`, { headers }), `${JOB}/download/audio`);
  expect(seen).toMatchObject({ range: "bytes=0-3", "x-forwarded-for": "203.0.113.9" });
  expect(seen.cookie).toBeUndefined();
  expect(answer.status).toBe(206);
  expect(answer.headers.get("content-range")).toBe("bytes 0-3/8");
  expect(answer.headers.get("set-cookie")).toBeNull();
  expect(answer.headers.get("cache-control")).toContain("no-transform");
});

it("tells nobody who reads a shared score", async () => {
  const seen: (string | undefined)[] = [];
  await api((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200).end("{}");
  });
  const cookie = `${SESSION_COOKIE}=${sealed(keySession("ds_live_1", "k1"))}`;
  for (const path of [JOB, "v1/shared/4fT0c9Zq1bYx7LrWm2Kd8P"]) {
    const answer = await forward(new Request(`http://web/api/${path}`, { headers: { cookie } }), path);
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
  }
  expect(seen).toEqual(["Bearer ds_live_1", undefined]);
});

it("lets events through as they happen", async () => {
  await api((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("id: 1\n\n"); // and no end
  });
  const answer = await forward(new Request(`http://web/api/${JOB}/events`), `${JOB}/events`);
  const { value } = await answer.body!.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("id: 1\n\n");
  expect(answer.headers.get("cache-control")).toBe("no-store, no-transform");
});

it("says so when the API cannot be reached, and refuses closed doors without asking it", async () => {
  vi.stubEnv("API_URL", "http://127.0.0.1:9");
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const away = await forward(new Request("http://web/api/v1/limits"), "v1/limits");
  expect([away.status, (await away.json()).code]).toEqual([503, "unreachable"]);
  const closed = await forward(new Request("http://web/api/v1/webhooks/secret"), "v1/webhooks/secret");
  expect([closed.status, (await closed.json()).code]).toEqual([404, "not_found"]);
  const headers = { "sec-fetch-site": "cross-site" };
  const forged = await forward(new Request("http://web/api/v1/jobs", { method: "POST", body: "{}", headers }), "v1/jobs");
  expect(forged.status).toBe(403);
});
