/** `holdfast retention`, `hold`, `approval` */
import type { Command } from "commander";
import type { Finish } from "./answer.ts";
import type { AddHoldOptions, ListHoldsOptions } from "./commands/holds.ts";
import type { OfItem } from "./commands/retention.ts";
import type { Globals } from "./connection.ts";
import type { PageOptions } from "./listing.ts";
import { agentOption, waitOption, withPages } from "./options.ts";
import type { WaitOption } from "./wait.ts";

export function addRetentionCommands(program: Command, finish: Finish): void {
  const retention = program.command("retention").description("what is removed by policy, and why");
  addLooks(retention, finish);
  addPlans(retention, finish);
  addDecisions(retention, finish);
  addHolds(program.command("hold").description("what is kept whatever any rule says"), finish);
  addApprovals(program.command("approval").description("commands that wait for a second person"), finish);
}

function addLooks(retention: Command, finish: Finish): void {
  retention
    .command("preview <item>")
    .description("what would be removed now, what stays, and why; nothing is done")
    .addOption(agentOption())
    .action(async (named: string, _options, command: Command) => {
      const { previewRetention } = await import("./commands/retention.ts");
      finish(await previewRetention(named, command.optsWithGlobals<OfItem>()));
    });
  retention
    .command("apply <item>")
    .description("have it done now")
    .addOption(agentOption())
    .addOption(waitOption())
    .action(async (named: string, _options, command: Command) => {
      const { applyRetention } = await import("./commands/retention.ts");
      finish(await applyRetention(named, command.optsWithGlobals<OfItem & WaitOption>()));
    });
  withPages(retention.command("marks [item]").description("what was last decided about each backup, and why"))
    .addOption(agentOption())
    .option("--mark <mark>", "keep, keep_as_parent, merge or remove")
    .action(async (named: string | undefined, _options, command: Command) => {
      const { listMarks } = await import("./commands/retention.ts");
      finish(await listMarks(named, command.optsWithGlobals<PageOptions & OfItem & { mark?: string }>()));
    });
}

function addPlans(retention: Command, finish: Finish): void {
  withPages(retention.command("plans").description("plans that removed, or would remove, something"))
    .addOption(agentOption())
    .option("--item <item>", "of this item only")
    .option("--state <state>", "waiting, approved, applying, applied, failed, superseded or rejected")
    .action(async (_options, command: Command) => {
      const { listPlans } = await import("./commands/retention.ts");
      finish(await listPlans(command.optsWithGlobals<PageOptions & OfItem & { item?: string; state?: string }>()));
    });
  retention
    .command("show <plan-id>")
    .description("one plan")
    .action(async (id: string, _options, command: Command) => {
      const { showPlan } = await import("./commands/retention.ts");
      finish(await showPlan(id, command.optsWithGlobals<Globals>()));
    });
}

function addDecisions(retention: Command, finish: Finish): void {
  const decisions = [
    ["approve", "let a waiting plan be carried out"],
    ["reject", "keep what a waiting plan would remove"],
  ] as const;
  for (const [decision, description] of decisions)
    retention
      .command(`${decision} <plan-id>`)
      .description(description)
      .requiredOption("--reason <text>", "why")
      .action(async (id: string, _options, command: Command) => {
        const { decidePlan } = await import("./commands/retention.ts");
        finish(await decidePlan(id, decision, command.optsWithGlobals<Globals & { reason: string }>()));
      });
}

function addHolds(hold: Command, finish: Finish): void {
  withPages(hold.command("list").description("what is held, newest first"))
    .addOption(agentOption())
    .option("--item <item>", "of this item only")
    .option("--open", "without what was released")
    .action(async (_options, command: Command) => {
      const { listHolds } = await import("./commands/holds.ts");
      finish(await listHolds(command.optsWithGlobals<ListHoldsOptions>()));
    });
  hold
    .command("add <item|backup-id>")
    .description("keep a backup, or all of an item with what is to come")
    .requiredOption("--reason <text>", "why")
    .option("--kind <kind>", "legal: until it is released; immutable: nobody can release it before --until")
    .option("--until <time>", "when it ends: a point in time, or a length as 90d")
    .addOption(agentOption())
    .action(async (named: string, _options, command: Command) => {
      const { addHold } = await import("./commands/holds.ts");
      finish(await addHold(named, command.optsWithGlobals<AddHoldOptions>()));
    });
  hold
    .command("release <hold-id>")
    .description("let go what was held")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, _options, command: Command) => {
      const { releaseHold } = await import("./commands/holds.ts");
      finish(await releaseHold(id, command.optsWithGlobals<Globals & { reason: string }>()));
    });
}

function addApprovals(approval: Command, finish: Finish): void {
  withPages(approval.command("list").description("commands that wait for a second person, or did"))
    .addOption(agentOption())
    .option("--state <state>", "needed, approved or rejected (default: needed)")
    .action(async (_options, command: Command) => {
      const { listApprovals } = await import("./commands/approvals.ts");
      finish(await listApprovals(command.optsWithGlobals<PageOptions & { agent?: string; state?: string }>()));
    });
  approval
    .command("approve <command-id>")
    .description("let a command go to its host, as another person than the one who asked for it")
    .option("--reason <text>", "why")
    .action(async (id: string, _options, command: Command) => {
      const { decideCommand } = await import("./commands/approvals.ts");
      finish(await decideCommand(id, "approve", command.optsWithGlobals<Globals & { reason?: string }>()));
    });
  approval
    .command("reject <command-id>")
    .description("end a command that waits")
    .requiredOption("--reason <text>", "why")
    .action(async (id: string, _options, command: Command) => {
      const { decideCommand } = await import("./commands/approvals.ts");
      finish(await decideCommand(id, "reject", command.optsWithGlobals<Globals & { reason: string }>()));
    });
}
