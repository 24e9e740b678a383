/** Material for tests of certificates: folders, requests made by OpenSSL itself, and its opinion of ours. */
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../../../test/helpers/disks.ts";

export type Scratch = AsyncDisposable & {
  folder: string;
  /** `openssl <args>` in the folder; its standard output. */
  openssl: (...args: string[]) => Promise<string>;
  write: (name: string, text: string) => Promise<string>;
  /** A request made by OpenSSL with a new key of that kind (`rsa:2048`, `rsa:1024`, `ec`); more arguments after it. */
  request: (kind?: string, ...more: string[]) => Promise<{ csr: string; key: string }>;
};

export async function scratch(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pki-"));
  const openssl = (...args: string[]): Promise<string> => runProgram("openssl", ...args);
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  return {
    folder,
    openssl,
    write,
    async request(kind = "rsa:2048", ...more) {
      const name = join(folder, randomUUID());
      const key = kind === "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", kind];
      const to = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
      await openssl("req", "-new", "-nodes", ...key, ...to, "-subj", "/CN=whoever", ...more);
      return { csr: await readFile(`${name}.csr`, "utf8"), key: await readFile(`${name}.key`, "utf8") };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
