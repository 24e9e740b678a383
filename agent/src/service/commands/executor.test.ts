import type { Command } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { openSpool } from "../../spool/spool.ts";
import { testCommand, testFolder } from "../../spool/test-events.ts";
import type { ServiceHost } from "../service-host.ts";
import { createExecutor } from "./executor.ts";
import { createTurns } from "./turns.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");

/** A service that was stopped when these were noted, and not begun. */
async function afterTheStart(...commands: Command[]): Promise<string[]> {
  using folder = testFolder();
  const spool = openSpool(folder.path, { now: () => NOW });
  for (const command of commands) spool.commands.note(command, undefined);
  const rest = { now: () => NOW, log: () => undefined, ledger: folder.path, linkState: () => "away" };
  const protectedNothing = () => ({ repositories: [], items: [], refused: [], config: {} });
  const host = { spool, running: new Set(), protected: protectedNothing, ...rest } as unknown as ServiceHost;
  const executor = createExecutor(host, createTurns(1));
  await executor.resume();
  await executor.idle();
  const { events } = spool.pending(0, 500, 900_000);
  spool.close();
  return events.flatMap(({ body }) =>
    body["state"] === "accepted" ? [] : [`${body["state"]} ${(body["error"] as { code: string } | null)?.code}`],
  );
}

const removal = (deadline?: string): Command => ({
  ...testCommand(deadline),
  ...{ kind: "backup.delete", arguments: { repository_id: "main", backup_ids: ["backup-web-disk0-20260301-030000"] } },
});

it("what had not begun when the agent stopped begins; a removal is told as not begun, because it may be held by now", async () => {
  expect(await afterTheStart(removal())).toEqual(["failed INTERRUPTED"]);
  const unknown = { ...testCommand(), kind: "of a newer controller" };
  expect(await afterTheStart(unknown)).toEqual(["refused BAD_REQUEST"]);
});

it("nothing begins that comes with a deadline which is over by any clock", async () => {
  expect(await afterTheStart({ ...testCommand(new Date(0).toISOString()), kind: "agent.diagnose" })).toEqual([
    "expired EXPIRED",
  ]);
});
