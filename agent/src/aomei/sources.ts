/** The logs that the settings name: one source each. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { AomeiSettings, TextLogSettings } from "../config/aomei-settings.ts";
import type { LogSource } from "./read-log.ts";

const VENDOR_LOG = "C:\\ProgramData\\AomeiBR\\brlog.xml";

export type Source =
  | ({ kind: "result_log"; isDefault: boolean } & LogSource)
  | { kind: "text_log"; path: string; settings: TextLogSettings };

/** A folder of text logs that cannot be listed. */
export type FolderTrouble = { path: string; error: unknown };

/** Text logs are listed anew each time, in the order of their names. */
export async function findSources(
  { result_logs, text_logs }: AomeiSettings,
  platform: NodeJS.Platform,
): Promise<{ sources: Source[]; troubles: FolderTrouble[] }> {
  const isDefault = result_logs === undefined;
  const standard = platform === "win32" ? [{ path: VENDOR_LOG, encoding: "auto" }] : [];
  const sources: Source[] = (result_logs ?? standard).map((log) => ({ kind: "result_log", isDefault, ...log }));
  const troubles: FolderTrouble[] = [];
  for (const settings of text_logs) {
    try {
      const pattern = namePattern(settings.pattern);
      const entries = await readdir(settings.folder, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isFile() && pattern.test(entry.name)).map(({ name }) => name);
      for (const name of names.sort()) sources.push({ kind: "text_log", path: join(settings.folder, name), settings });
    } catch (error) {
      troubles.push({ path: settings.folder, error });
    }
  }
  return { sources, troubles };
}

/** `*` and `?` as in names of files; upper and lower case are alike. */
function namePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i");
}
