/** A controller and a host's state folder for tests of how one gets to know the other. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { EnrolmentWish } from "../../agent/src/identity/enrol.ts";
import { type IdentityServer, type IdentityServerOptions, startIdentityServer } from "./identity-server.ts";

export const DAY = 24 * 3_600_000;

export type IdentityBench = {
  /** New for each test; `state` is the host's. */
  folder: string;
  state: string;
  controller: (options?: Partial<IdentityServerOptions>) => Promise<IdentityServer>;
  wish: (controllerUrl: string, token: string, more?: Partial<EnrolmentWish>) => EnrolmentWish;
  /** Starts a server on a free port, which it resolves with. */
  listening: (server: Server) => Promise<number>;
  /** Names in the identity's folder. */
  files: () => Promise<string[]>;
};

/** Call it at the top of a test file. */
export function identityBench(): IdentityBench {
  const open: AsyncDisposable[] = [];
  const bench: IdentityBench = {
    folder: "",
    state: "",
    async controller(options = {}) {
      const server = await startIdentityServer({ folder: join(bench.folder, "controller"), ...options });
      open.push(server);
      return server;
    },
    wish: (controllerUrl, token, more = {}) => ({
      stateDir: bench.state,
      controllerUrl,
      token,
      hostname: "web",
      platform: "linux x64",
      agentVersion: "0.1.0",
      now: () => new Date(),
      ...more,
    }),
    async listening(server) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      open.push({ [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) });
      return (server.address() as AddressInfo).port;
    },
    files: () => readdir(join(bench.state, "identity")),
  };
  beforeEach(async () => {
    bench.folder = await mkdtemp(join(tmpdir(), "holdfast-identity-"));
    bench.state = join(bench.folder, "state");
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
    await rm(bench.folder, { recursive: true, force: true });
  });
  return bench;
}

/** What an error must say: its code, what is wrong, and what to do about it. */
export function failure(code: string, message: RegExp, remedy = /./): object {
  return { code, message: expect.stringMatching(message), remedy: expect.stringMatching(remedy) };
}
