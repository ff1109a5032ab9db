// For tests: an API with accounts as the real one keeps them. A refresh token works once; its second use ends the session.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export type FakeAccounts = {
  url: string;
  /** The refresh token in force; null once the session has ended. */
  current: string | null;
  renewals: number;
  refused: number;
  /** What reached the API besides, with its credentials. */
  seen: { path: string; authorization: string | undefined; cookie: string | undefined }[];
  isAway: boolean;
  close: () => void;
};

const body = async (request: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
};

/** Start one. Access tokens live for `life` seconds; renewing takes `delay` ms. */
export async function fakeAccounts({ life = 1800, delay = 20, mode = "jwt" } = {}): Promise<FakeAccounts> {
  const salt = Math.random().toString(36).slice(2);
  const accounts: FakeAccounts = {
    url: "",
    current: `refresh-${salt}-0`,
    renewals: 0,
    refused: 0,
    seen: [],
    isAway: false,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((request, response) => {
    void (async () => {
      const text = await body(request);
      const answer = (status: number, value: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      if (accounts.isAway) return answer(503, {});
      if (request.url === "/api/v1/auth") return answer(200, { auth_mode: mode });
      if (request.url !== "/api/v1/auth/refresh") {
        accounts.seen.push({ path: request.url ?? "", authorization: request.headers.authorization, cookie: request.headers.cookie });
        return answer(200, {});
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (JSON.parse(text).refresh_token !== accounts.current) {
        accounts.current = null; // somebody has a token that was used before
        accounts.refused++;
        return answer(401, { code: "unauthenticated" });
      }
      accounts.current = `refresh-${salt}-${++accounts.renewals}`;
      return answer(200, {
        access_token: `access-${accounts.renewals}`,
        refresh_token: accounts.current,
        expires_in: life,
        session_expires_in: 86_400,
        user: { id: "u1", name: "Ada", email: "ada@example.com" },
      });
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  accounts.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return accounts;
}
