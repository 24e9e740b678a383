/** What a command's handler works with. */
import type { Command, CommandArguments, CommandChanged, CommandKind } from "@holdfast/protocol";
import type { ItemRuns } from "../../runner/context.ts";
import type { ServiceHost } from "../service-host.ts";

export type CommandResult = NonNullable<CommandChanged["result"]>;

export type Task = {
  host: ServiceHost;
  command: Command;
  /** Cancels the command; its reason is what it then throws. */
  signal: AbortSignal;
  /** Says that the command has begun; for one that works on no item. Throws when its deadline is over. */
  begin(): void;
  /**
   * Begins when it is the command's turn on the item, and holds that for `work`. BUSY when another process of this host
   * works on it.
   */
  onItem<T>(vmContextId: string, purpose: string, work: (runs: ItemRuns) => Promise<T>): Promise<T>;
};

/** Does what was commanded. A HoldfastError is the command's end as well: refused, failed or cancelled by its code. */
export type Handler<Kind extends CommandKind> = (args: CommandArguments<Kind>, task: Task) => Promise<CommandResult>;
