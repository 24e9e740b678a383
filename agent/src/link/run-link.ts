/** The agent's end of the link: keeps it up, and tells what waits in the spool. */
import type { AgentFrame } from "@holdfast/protocol";
import { feed, type Loop, makeLoop, say, startLoop } from "./loop.ts";
import type { Link, LinkPorts } from "./ports.ts";

/** How often other processes' events are looked for. */
const LOOK_MS = 100;
const MAX_PROGRESS_RUNS = 100;

/**
 * Keeps the link to the controller until `signal`: connects, tells what waits in the spool, hands on what is asked.
 * It never throws and never gives up; what goes wrong is logged and tried again. The spool stays the caller's.
 */
export function runLink(ports: LinkPorts, signal: AbortSignal): Link {
  const stopped = Promise.withResolvers<void>();
  const loop = makeLoop(ports, stopped.resolve);
  const looking = setInterval(() => look(loop), LOOK_MS);
  const onAbort = (): void => feed(loop, { type: "stop" });
  signal.addEventListener("abort", onAbort, { once: true });
  startLoop(loop);
  if (signal.aborted) onAbort();
  const finish = async (): Promise<void> => {
    await stopped.promise;
    clearInterval(looking);
    signal.removeEventListener("abort", onAbort);
    await loop.deliveries.idle();
  };
  return {
    ended: finish(),
    status: () => ({ phase: loop.state.phase.at, since: loop.since, lastProblem: loop.lastProblem }),
    progress: (runs) => runs.length > 0 && tell(loop, { type: "progress", runs: runs.slice(0, MAX_PROGRESS_RUNS) }),
    renew: (csr) => tell(loop, { type: "renew", csr }),
    reconnect: (why) => feed(loop, { type: "reconnect", why }),
  };
}

/** Progress is for whoever looks on now: where results already wait for the socket, it only stands in their way. */
function tell(loop: Loop, frame: AgentFrame): boolean {
  const { phase } = loop.state;
  if (phase.at !== "streaming" || phase.blocked) return false;
  say(loop, frame);
  return true;
}

function look(loop: Loop): void {
  if (loop.state.phase.at !== "streaming") return;
  try {
    if (loop.ports.spool.dataChanged()) feed(loop, { type: "spool-changed" });
  } catch (error) {
    feed(loop, { type: "unfit", why: error instanceof Error ? error.message : String(error) });
  }
}
