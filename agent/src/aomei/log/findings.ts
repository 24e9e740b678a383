import type { LogFinding } from "./entry.ts";
import { ownText } from "./own-text.ts";

const KEPT = 100;
/** Of one kind with one message, so that a strange element in every entry leaves room for other findings. */
const KEPT_ALIKE = 3;

export type Findings = {
  add(code: string, message: string, offset: number): void;
  /** As `add`, but the first of its code only. */
  once(code: string, message: string, offset: number): void;
  all(): LogFinding[];
};

/** Keeps the first findings and counts the others: a log of garbage has millions. */
export function createFindings(): Findings {
  const kept: LogFinding[] = [];
  const alike = new Map<string, number>();
  const more = new Map<string, number>();
  const codes = new Set<string>();
  const add: Findings["add"] = (code, message, offset) => {
    codes.add(code);
    const kind = `${code} ${message}`;
    const before = alike.get(kind) ?? 0;
    if (kept.length >= KEPT || before >= KEPT_ALIKE) {
      more.set(code, (more.get(code) ?? 0) + 1);
      return;
    }
    alike.set(ownText(kind), before + 1);
    kept.push({ code, message: ownText(message), offset });
  };
  return {
    add,
    once: (code, message, offset) => {
      if (!codes.has(code)) add(code, message, offset);
    },
    all: () => {
      if (more.size === 0) return kept;
      const counts = [...more].map(([code, count]) => `${count} ${code}`).join(", ");
      return [...kept, { code: "MORE_FINDINGS", message: `and as many more: ${counts}` }];
    },
  };
}
