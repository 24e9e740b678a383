/** A TCP proxy that does to connections what networks do, and to their bytes what nobody should. */
import { connect, createServer, type Socket } from "node:net";
import { bend, type Fate } from "./proxy-fates.ts";

export type NetworkProxy = AsyncDisposable & {
  port: number;
  /** What happens to the connections to come, in this order; then nothing does. */
  fates: Fate[];
  /** Connections that have come so far. */
  connections: number;
  /** Those whose fate was carried out: not all live long enough. */
  bent: Fate[];
  /** Ends all that stand, as a router does that was restarted. */
  resetAll: () => void;
};

/** Between whoever connects to `port` on 127.0.0.1 and `target` there. */
export async function startProxy(target: number): Promise<NetworkProxy> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    proxy.connections += 1;
    const fate = proxy.fates.shift() ?? { do: "pass" };
    const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => open.delete(socket));
    }
    bend(fate, near, far, () => proxy.bent.push(fate));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const resetAll = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const proxy: NetworkProxy = {
    ...{ port: address.port, fates: [], connections: 0, bent: [], resetAll },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
  return proxy;
}
