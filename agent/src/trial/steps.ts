import { secondsText, stateWord } from "../cli/format.ts";
import { table } from "../cli/table.ts";

/** One line of the story: what was done, on how much, how long it took and what came of it. */
export type Step = { step: string; what: string; size: string; seconds: number; result: string };

/** What a step has to say once it is done. */
export type StepFacts = Omit<Step, "step" | "seconds"> & { seconds?: number };

export type Story = {
  steps: Step[];
  /** Runs a step and writes it down; its time is that of the work unless the work says another. */
  tell: <T>(step: string, work: () => Promise<{ value: T } & StepFacts>) => Promise<T>;
};

/** `announce` hears of each step when it begins. */
export function startStory(announce: (step: string) => void): Story {
  const steps: Step[] = [];
  return {
    steps,
    tell: async (step, work) => {
      announce(step);
      const begun = performance.now();
      const { value, what, size, result, seconds } = await work();
      steps.push({ step, what, size, result, seconds: seconds ?? (performance.now() - begun) / 1000 });
      return value;
    },
  };
}

/** The story as a table for people. */
export function storyTable(steps: readonly Step[]): Promise<string> {
  const rows = steps.map(({ step, what, size, seconds, result }) => [
    step,
    what,
    size,
    secondsText(seconds),
    stateWord(result),
  ]);
  return table(["STEP", "WHAT HAPPENED", "SIZE", "TIME", "RESULT"], rows);
}
