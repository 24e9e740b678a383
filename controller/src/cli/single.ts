/** One thing: its facts as lines for people, and the API's own document for programs. */
import type { Answer } from "./answer.ts";
import { type Client, withClient } from "./client.ts";
import type { Globals } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { facts } from "./table.ts";

export type Facts<Document> = (document: Document) => readonly (readonly [string, string])[];

/** Asks once and shows the answer. */
export async function show<Document extends object>(
  globals: Globals,
  ask: (client: Client) => Promise<Document>,
  factsOf: Facts<Document>,
): Promise<Answer> {
  return await withClient(globals, async (client) => {
    const document = await ask(client);
    return { document, text: () => facts(factsOf(document)), exitCode: EXIT.ok };
  });
}

/** Asks once and says in a sentence what came of it. */
export async function tell<Document extends object>(
  globals: Globals,
  ask: (client: Client) => Promise<Document>,
  sentence: (document: Document) => string,
): Promise<Answer> {
  return await withClient(globals, async (client) => {
    const document = await ask(client);
    return { document, text: () => sentence(document), exitCode: EXIT.ok };
  });
}
