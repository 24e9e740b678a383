import { COMMAND_KINDS, commandArguments } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { carryOut } from "./handlers.ts";
import type { Task } from "./task.ts";

const placed = { repository_id: "main", backup_id: "backup-web-disk0-20260301-030000" };
const LATER = {
  "backup.cancel": { command_id: "33333333-3333-4333-8333-333333333333" },
  "chain.consolidate": placed,
  "copy.start": { ...placed, to_repository_id: "other" },
  "restore.browse": placed,
  "restore.start": { ...placed, target: "/restored" },
  "agent.update": { version: "2" },
} as const;

const command = (kind: string, given: object) => ({
  ...{ command_id: "33333333-3333-4333-8333-333333333333", kind, arguments: { ...given }, author: "a", reason: "" },
  ...{ created_at: "2026-03-01T03:00:00.000Z", deadline: "2026-03-01T04:00:00.000Z" },
});

it.each(Object.entries(LATER))(
  "%s is on the list, and refused as long as nobody carries it out",
  async (kind, given) => {
    expect(COMMAND_KINDS).toContain(kind);
    const parsed = commandArguments[kind as keyof typeof LATER].safeParse(given);
    expect(parsed.success).toBe(true);
    const refused = { code: "BAD_REQUEST", message: expect.stringContaining(kind) };
    await expect(carryOut(command(kind, given), {} as Task)).rejects.toMatchObject(refused);
  },
);

it("what is on no list is refused the same way", async () => {
  const refused = { code: "BAD_REQUEST", message: expect.stringContaining("rm -rf") };
  await expect(carryOut(command("rm -rf", {}), {} as Task)).rejects.toMatchObject(refused);
});
