import type { Socket } from "node:net";
import { fullBucket, taken } from "./allowance.ts";
import type { HubSettings } from "./settings.ts";

type Peer = Pick<Socket, "remoteAddress" | "remotePort">;
export type Handshakes = {
  /** false: there are too many, and the connection was cut. */
  begin(socket: Socket): boolean;
  /** `peer`: the TLS socket of the connection that has got through, or failed. */
  end(peer: Peer): void;
  /** Cuts those under way, which no server counts among its connections, and all that would begin. */
  stop(): void;
  /** One more line for the log, with how many had to be left out since the last one; null: none, strangers must not fill it. */
  nextLine(): { untold: number } | null;
};

const LINES = { burst: 50, perSecond: 2 };

/** Those under way, counted by address too, so that one stranger cannot keep everyone out. */
export function openHandshakes(limits: Pick<HubSettings, "handshakes" | "handshakesOfAddress">): Handshakes {
  const pending = new Map<string, Map<number, Socket>>();
  let count = 0;
  let isStopped = false;

  function remove(address: string, port: number): void {
    const sockets = pending.get(address);
    if (sockets?.delete(port) !== true) return;
    count -= 1;
    if (sockets.size === 0) pending.delete(address);
  }

  function isTooMany(ofAddress: number): boolean {
    const isCrowded = count * 2 >= limits.handshakes && ofAddress >= limits.handshakesOfAddress;
    return isStopped || count >= limits.handshakes || isCrowded;
  }

  return {
    begin(socket) {
      // Both are forgotten by the socket once it is closed.
      const { remoteAddress: address = "", remotePort: port = 0 } = socket;
      const sockets = pending.get(address) ?? new Map<number, Socket>();
      if (isTooMany(sockets.size)) {
        socket.destroy();
        return false;
      }
      pending.set(address, sockets.set(port, socket));
      count += 1;
      socket.once("close", () => remove(address, port));
      return true;
    },
    end: ({ remoteAddress = "", remotePort = 0 }) => remove(remoteAddress, remotePort),
    stop() {
      isStopped = true;
      for (const sockets of [...pending.values()]) for (const socket of [...sockets.values()]) socket.destroy();
    },
    nextLine: openLines(),
  };
}

function openLines(): Handshakes["nextLine"] {
  let lines = fullBucket(LINES, Date.now());
  let untold = 0;
  return () => {
    const next = taken(lines, LINES, 1, Date.now());
    if (next.left < 0) {
      untold += 1;
      return null;
    }
    const line = { untold };
    lines = next;
    untold = 0;
    return line;
  };
}
