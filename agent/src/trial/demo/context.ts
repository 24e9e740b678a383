import type { Progress } from "../../cli/progress.ts";
import type { Story } from "../steps.ts";
import type { Api } from "./api.ts";
import type { DemoItem } from "./define.ts";
import type { DemoPlace } from "./place.ts";

/** What the steps of the story work with. */
export type DemoContext = {
  api: Api;
  agentId: string;
  item: DemoItem;
  place: DemoPlace;
  story: Story;
  /** Random, of this start: what was asked by another start is not taken for this one's. */
  startId: string;
  say: (sentence: string) => void;
  progress: Progress;
  /** Whether progress is shown. */
  isTerminal: boolean;
  /** Ends the story: Ctrl-C, or a program that was given up. */
  signal: AbortSignal;
};
