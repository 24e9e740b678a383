/** Waits until something that an agent does has ended. */
import type { Client } from "./client.ts";
import type { CommandDocument } from "./documents.ts";
import { EXIT, type ExitCode, exitCodeOfProof } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { parseSeconds } from "./format.ts";

/** `--wait` alone, or with the longest time. */
export type WaitOption = { wait?: string | true };

const LOOK_EVERY_MS = 500;
const ENDS: readonly CommandDocument["state"][] = ["done", "refused", "failed", "cancelled", "expired"];

/** Asks again until it is over; STILL_RUNNING when that takes longer than `--wait` allows. */
export async function waitUntil<T>(
  { wait }: WaitOption,
  ask: () => Promise<T>,
  isOver: (value: T) => boolean,
): Promise<T> {
  const limitMs = typeof wait === "string" ? parseSeconds(wait, "--wait") * 1000 : Number.POSITIVE_INFINITY;
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (isOver(value)) return value;
    if (performance.now() > end)
      throw new Failure("STILL_RUNNING", {
        message: `it has not ended after ${wait}`,
        remedy: "It goes on: `holdfast commands list` and `holdfast runs list` tell how far it is.",
      });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export async function waitForCommand(client: Client, option: WaitOption, id: string): Promise<CommandDocument> {
  const ask = () => client.call<CommandDocument>("GET", `/api/v1/commands/${id}`);
  return await waitUntil(option, ask, ({ state }) => ENDS.includes(state));
}

/** What the end of a command means for a script; `done` says nothing about what a proof found. */
export function exitCodeOfCommand({ state }: CommandDocument): ExitCode {
  if (state === "done" || !ENDS.includes(state)) return EXIT.ok;
  return state === "cancelled" ? EXIT.cancelled : EXIT.failed;
}

/** The proof that a command made, and what it found. null: it made none. */
export async function proofOf(
  client: Client,
  { result }: CommandDocument,
): Promise<{ document: { status: string; reason: string }; exitCode: ExitCode } | null> {
  const path =
    result?.verification_id === undefined
      ? result?.drill_id === undefined
        ? null
        : `drills/${result.drill_id}`
      : `verifications/${result.verification_id}`;
  if (path === null) return null;
  const document = await client.call<{ status: string; reason: string }>("GET", `/api/v1/${path}`);
  return { document, exitCode: exitCodeOfProof(document.status) };
}
