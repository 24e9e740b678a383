import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { outboundRequest } from "./request.ts";
import { resolveOutside } from "./resolve.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const allowed = ["127.0.0.1"];
const never = new AbortController().signal;

async function receiver(answer: RequestListener): Promise<{ port: number; heard: IncomingMessage[] }> {
  const heard: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    heard.push(request);
    answer(request, response);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, heard };
}

it("sends what it was given, and answers status and headers", async () => {
  let body = "";
  const { port, heard } = await receiver((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => response.writeHead(202, { "x-answer": "yes" }).end("taken"));
  });
  const answer = await outboundRequest(
    `http://127.0.0.1:${port}/hook?a=1`,
    { method: "POST", headers: { "x-some": "thing" }, body: "bödy", signal: never },
    { allowed },
  );
  expect(answer).toMatchObject({ status: 202, body: "", headers: { "x-answer": "yes" } });
  expect(body).toBe("bödy");
  expect(heard[0]).toMatchObject({ method: "POST", url: "/hook?a=1", headers: { "x-some": "thing" } });
});

it("follows no redirect", async () => {
  const inside = await receiver((_request, response) => response.end("secret"));
  const { port } = await receiver((_request, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end(),
  );
  const answer = await outboundRequest(`http://127.0.0.1:${port}/`, { method: "GET", signal: never }, { allowed });
  expect(answer.status).toBe(302);
  expect(inside.heard).toEqual([]);
});

it.each([
  ["http://127.0.0.1:9/", /this host/],
  ["http://[::1]:9/", /this host/],
  ["http://[::ffff:127.0.0.1]:9/", /this host/],
  ["http://2130706433/", /this host/],
  ["http://0x7f.1/", /this host/],
  ["http://169.254.169.254/latest/meta-data", /link-local/],
  ["http://localhost:9/", /this host/],
  ["ftp://example.org/", /none of http/],
  ["file:///etc/passwd", /none of http/],
  ["http://user:word@example.org/", /user name/],
  ["no address", /none of http/],
])("%s is refused before anything is sent", async (address, why) => {
  await expect(outboundRequest(address, { method: "GET", signal: never }, { allowed: [] })).rejects.toMatchObject({
    permanent: true,
    message: expect.stringMatching(why),
  });
});

it("a name that answers otherwise the second time is asked only once", async () => {
  const { port, heard } = await receiver((_request, response) => response.end());
  let asked = 0;
  const resolver = async () => {
    asked += 1;
    return [{ address: asked === 1 ? "127.0.0.1" : "10.0.0.1", family: 4 }];
  };
  const settings = { allowed, resolver };
  await outboundRequest(`http://hook.example.org:${port}/`, { method: "GET", signal: never }, settings);
  expect(asked).toBe(1);
  expect(heard[0]?.headers.host).toBe(`hook.example.org:${port}`);
  await expect(
    outboundRequest(`http://hook.example.org:${port}/`, { method: "GET", signal: never }, settings),
  ).rejects.toMatchObject({ permanent: true });
  expect(heard).toHaveLength(1);
});

it("one address inside among several is enough to refuse; a name that is allowed may resolve to anything", async () => {
  const resolver = async () => [
    { address: "93.184.215.14", family: 4 },
    { address: "fd00::1", family: 6 },
  ];
  await expect(resolveOutside("mixed.example.org", { allowed: [], resolver })).rejects.toMatchObject({
    permanent: true,
  });
  await expect(resolveOutside("mixed.example.org", { allowed: ["mixed.example.org"], resolver })).resolves.toHaveLength(
    2,
  );
  const nobody = async () => {
    throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
  };
  await expect(resolveOutside("gone.example.org", { allowed: [], resolver: nobody })).rejects.toMatchObject({
    permanent: false,
    message: expect.stringMatching(/ENOTFOUND/),
  });
});

it("an answer without end is read as far as 64 KiB, and one that does not come is not waited for", async () => {
  const endless = await receiver((_request, response) => {
    response.writeHead(500);
    const more = (): void => {
      if (!response.destroyed && response.write("x".repeat(16_384))) setImmediate(more);
    };
    response.on("drain", more);
    more();
  });
  const answer = await outboundRequest(
    `http://127.0.0.1:${endless.port}/`,
    { method: "GET", signal: never },
    { allowed },
  );
  expect(answer.body).toHaveLength(65_536);
  const deaf = await receiver(() => undefined);
  await expect(
    outboundRequest(`http://127.0.0.1:${deaf.port}/`, { method: "GET", signal: never }, { allowed, timeoutMs: 200 }),
  ).rejects.toMatchObject({ permanent: false, message: expect.stringMatching(/within 0.2 s/) });
  const closed = await receiver((request) => request.socket.destroy());
  await expect(
    outboundRequest(`http://127.0.0.1:${closed.port}/`, { method: "GET", signal: never }, { allowed }),
  ).rejects.toMatchObject({ permanent: false });
});

it("what says one byte a second after its status has answered; before it, it has not", async () => {
  const drip =
    (status: number | null): RequestListener =>
    (_request, response) => {
      if (status !== null) response.writeHead(status, { "content-length": "100000000" });
      const timer = setInterval(() => void (status === null ? response.writeProcessing() : response.write("x")), 50);
      response.on("close", () => clearInterval(timer));
    };
  const settings = { allowed, timeoutMs: 400 };
  const ask = async (status: number | null) => {
    const { port } = await receiver(drip(status));
    return await outboundRequest(`http://127.0.0.1:${port}/`, { method: "GET", signal: never }, settings);
  };
  const begun = performance.now();
  expect(await ask(200)).toMatchObject({ status: 200, body: "" });
  expect(performance.now() - begun).toBeLessThan(300);
  expect(await ask(404)).toMatchObject({ status: 404, body: expect.stringMatching(/^x+$/) });
  await expect(ask(null)).rejects.toMatchObject({ permanent: false, message: expect.stringMatching(/within 0.4 s/) });
});

it("a resolver that does not answer is waited for as long as anything else", async () => {
  const resolver = () => new Promise<never>(() => undefined);
  const asked = outboundRequest(
    "http://slow.example.org/",
    { method: "GET", signal: never },
    { allowed, resolver, timeoutMs: 100 },
  );
  await expect(asked).rejects.toMatchObject({
    permanent: false,
    message: "slow.example.org could not be resolved (no answer in time)",
  });
});
