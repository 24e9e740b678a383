import { Option } from "commander";
import type { Answer } from "./answer.ts";

/** Called once with what a command found. */
export type Finish = (answer: Answer) => void;

export const repositoryOption = (): Option =>
  new Option("--repository <id-or-path>", "the repository (default: all that are configured)");

export const recoveryOption = (): Option =>
  new Option("--recovery-file <file>", "file with the recovery key, to open backups without the host's own key");
