import { eq } from "drizzle-orm";
import type { Db } from "./db.ts";

/** undefined when it was never set. */
export async function readSetting(db: Db, name: string): Promise<unknown> {
  const { settings } = db.tables;
  const [row] = await db.select({ value: settings.value }).from(settings).where(eq(settings.name, name));
  return row?.value;
}

export async function putSetting(db: Db, name: string, value: unknown): Promise<void> {
  const { settings } = db.tables;
  const set = { value };
  await db.insert(settings).values({ name, value }).onConflictDoUpdate({ target: settings.name, set }).execute();
}
