/**
 * A process of its own that thaws a frozen guest when the agent cannot: arguments are the journal's path, the longest
 * time in ms, and the pid of the shell that started it. It acts when that shell is gone (the agent was killed), when it
 * is told to end, or when time is over; and only while the journal still says that the guest may be frozen.
 */
import { readFile, rm } from "node:fs/promises";
import { GUARD_WATCHES, thawGuest } from "./guest-agent.ts";

const POLL_MS = 50;
const TRIES = 20;
const ANSWER_MS = 5_000;

const [, , journal = "", limitMs = "0", parent = "0"] = process.argv;

async function socketToThaw(): Promise<string | undefined> {
  const text = await readFile(journal, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { guestAgent: string }).guestAgent;
}

async function untilNeeded(): Promise<void> {
  const told = new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve).once("SIGINT", resolve).once("SIGHUP", resolve);
  });
  const orphaned = new Promise<void>((resolve) => {
    const poll = setInterval(() => {
      if (process.ppid !== Number(parent)) {
        clearInterval(poll);
        resolve();
      }
    }, POLL_MS);
  });
  const late = new Promise<void>((resolve) => setTimeout(resolve, Number(limitMs)));
  process.stdout.on("error", () => undefined);
  process.stdout.write(`${GUARD_WATCHES}\n`);
  await Promise.race([told, orphaned, late]);
}

await untilNeeded();
for (let attempt = 0; attempt < TRIES; attempt++) {
  const guestAgent = await socketToThaw();
  if (guestAgent === undefined) break;
  try {
    await thawGuest(guestAgent, ANSWER_MS);
    await rm(journal, { force: true });
    break;
  } catch {
    await new Promise((wake) => setTimeout(wake, 500));
  }
}
process.exit(0);
