/** Which task made an image: by the names of the file and its folders, as AOMEI gives them. Inferred, never certain. */

export type TaskName = { guid: string; name: string };

/** Whether a file below the image folder bears a task's name: `<name>`, `<name>(1)`, `<name>_2` … */
export function bearsName(relativePath: string, taskName: string): boolean {
  const name = plain(taskName);
  if (name === "") return false;
  return relativePath.split(/[\\/]/).some((part) => {
    const given = plain(part.replace(/\.(adi|afi)$/i, ""));
    return given === name || (given.startsWith(name) && /^[\s_().-]/.test(given.slice(name.length)));
  });
}

/** The task with the longest name that fits; null when none does, or two of the same length. */
export function taskOf(relativePath: string, tasks: readonly TaskName[]): TaskName | null {
  const fitting = tasks.filter(({ name }) => bearsName(relativePath, name));
  const longest = Math.max(0, ...fitting.map(({ name }) => name.length));
  const [best, second] = fitting.filter(({ name }) => name.length === longest);
  return second === undefined ? (best ?? null) : null;
}

const plain = (text: string): string => text.normalize("NFC").trim().toLowerCase();
