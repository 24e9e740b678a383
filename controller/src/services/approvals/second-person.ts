import type { CommandKind } from "@holdfast/protocol";
import type { Db } from "../../store/db.ts";
import { readSetting } from "../../store/settings.ts";

/** Kinds of commands that another person than their author has to approve; noted when the controller starts. */
export const SECOND_PERSON = "second_person";

export async function secondPersonKinds(db: Db): Promise<readonly unknown[]> {
  const kinds = await readSetting(db, SECOND_PERSON);
  return Array.isArray(kinds) ? kinds : [];
}

export async function needsSecondPerson(db: Db, kind: CommandKind): Promise<boolean> {
  return (await secondPersonKinds(db)).includes(kind);
}
