/** `holdfast` against the API of a test, in this process: its documents, its words and its exit codes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { TestApi } from "../http/test-api.ts";
import type { Json } from "../http/test-client.ts";
import type { Answer } from "./answer.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { asFailure, type Failure } from "./failure.ts";
import { buildProgram } from "./program.ts";

type Spoken = { document: Json; text: string; code: number };

export type TestCli = {
  /** The document, after it went well. */
  ask: (...args: string[]) => Promise<Json>;
  /** The rows of a list. */
  rows: (field: string, ...args: string[]) => Promise<Json[]>;
  /** What people read, after it went well. */
  read: (...args: string[]) => Promise<string>;
  /** Whatever came of it, as long as it is no error. */
  run: (...args: string[]) => Promise<Spoken>;
  /** `<exit code> <code of the error>: <message>`. */
  refusal: (...args: string[]) => Promise<string>;
  /** A file with this as JSON. */
  file: (content: unknown) => Promise<string>;
};

/** As whoever has `token`; without one as an administrator. */
export async function testCli(api: Pick<TestApi, "port" | "root" | "admin">, token = api.admin): Promise<TestCli> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const save = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const where = [
    ...["--url", `https://127.0.0.1:${api.port}`, "--data-dir", join(folder, "none")],
    ...["--ca", await save("root.pem", api.root), "--token-file", await save("token", token)],
  ];
  const run = async (...args: string[]): Promise<Spoken> => {
    const found: Answer[] = [];
    await buildProgram((answer) => found.push(answer)).parseAsync([...where, ...args], { from: "user" });
    const [answer] = found;
    if (answer === undefined) throw new Error(`${args.join(" ")} answered nothing`);
    // As a program would read it.
    const document = JSON.parse(JSON.stringify(answer.document)) as Json;
    return { document, text: answer.text(), code: answer.exitCode };
  };
  const well = async (args: string[]): Promise<Spoken> => {
    const ran = await run(...args);
    expect(ran.code, ran.text).toBe(0);
    return ran;
  };
  let files = 0;
  return {
    run,
    ask: async (...args) => (await well(args)).document,
    rows: async (field, ...args) => (await well(args)).document[field] as Json[],
    read: async (...args) => (await well(args)).text,
    refusal: async (...args) => {
      const failure = await run(...args).then(succeeded, asFailure);
      return `${exitCodeOf(failure)} ${failure.code}: ${failure.message}`;
    },
    file: (content) => save(`${++files}.json`, JSON.stringify(content)),
  };
}

function succeeded({ text }: Spoken): Failure {
  throw new Error(`it was not refused: ${text}`);
}
