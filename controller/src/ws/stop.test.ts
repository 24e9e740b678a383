import { connect as connectTcp, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeOnBothStores } from "../store/test-stores.ts";
import { call, newIdentity, openTestHub, type TestAuthority, testAuthority, until } from "./test-link.ts";

let place: TestAuthority;
beforeAll(async () => {
  place = await testAuthority();
});
afterAll(() => place[Symbol.asyncDispose]());

/** Far less than a handshake may take, which is what a stop must not wait for. */
const SOON_MS = 2500;

async function timeToClose(link: { close(): Promise<void> }): Promise<number> {
  const begun = performance.now();
  await link.close();
  return performance.now() - begun;
}

function tcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1", () => resolve(socket)).on("error", reject);
  });
}

describeOnBothStores("the stop of the agent port", (open) => {
  it("does not wait for a peer that has not got as far as TLS", async () => {
    const { link, port } = await openTestHub(place.authority, await open());
    const stranger = await tcp(port);
    const cut = new Promise((resolve) => stranger.on("error", () => undefined).once("close", resolve));
    // The port has taken the connection once it serves the one that came after it.
    await call(port, newIdentity(place.authority), place.authority.rootPem).greet();
    expect(await timeToClose(link)).toBeLessThan(SOON_MS);
    await cut;
  });

  it("leaves no link behind, however far its opening has got", async () => {
    const store = await open();
    for (const pauseMs of [0, 1, 2, 4, 6, 8, 12, 16, 24]) {
      const { link, port } = await openTestHub(place.authority, store);
      const callers = Array.from({ length: 8 }, () =>
        call(port, newIdentity(place.authority), place.authority.rootPem),
      );
      const ended = Promise.all(callers.map(({ socket }) => new Promise((resolve) => socket.once("close", resolve))));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      expect(await timeToClose(link)).toBeLessThan(SOON_MS);
      await ended;
      await until(() => link.hub.stats().connections === 0);
    }
  });
});
