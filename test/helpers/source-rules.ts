const MAX_LINES = 200;

/** What a source file may not hold and no linter rule sees. */
const FORBIDDEN = [
  { text: /biome-(?:ignore)/, why: "a rule is changed for everyone in biome.json, never switched off in one place" },
  { text: /@ts-(?:ignore|expect-error|nocheck)/, why: "the compiler is never silenced" },
  { text: /\bimport\((?!["'])/, why: "lint cannot follow a computed path: a dynamic import takes a plain string" },
  { text: /(?<!await |=> )\bimport\(["']/, why: "lint does not follow it inside a type: write `import type`" },
  {
    text: /toMatchObject\(.*[{,] \w+: \/(?![/*])/,
    why: "there a bare pattern matches anything: expect.stringMatching(…)",
  },
];

/** Everything wrong with one source file's text, each as `path:line: reason`; empty when nothing is. */
export function sourceFaults(path: string, text: string): string[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const faults = lines.flatMap((line, index) =>
    FORBIDDEN.filter((rule) => rule.text.test(line)).map(({ why }) => `${path}:${index + 1}: ${why}`),
  );
  const isLong = lines.length > MAX_LINES;
  return isLong
    ? [...faults, `${path}: ${lines.length} lines, at most ${MAX_LINES}: split it by reason to change`]
    : faults;
}
