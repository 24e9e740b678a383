import type { DemoContext } from "../context.ts";
import type { RunningPrograms } from "../programs.ts";
import type { MailCatcher } from "./mail-catcher.ts";

/** What stands below the table of steps. */
export type Note = { heading: string; lines: string[] };

/** What the steps work with that show the controller at work by itself. */
export type ControlContext = DemoContext & {
  programs: Pick<RunningPrograms, "startAgent" | "stopAgent">;
  mails: MailCatcher;
  notes: Note[];
};
