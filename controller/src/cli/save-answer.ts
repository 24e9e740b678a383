/** Answers that are files: written beside their name first, so that a half one never bears it. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { partialName, syncFolder } from "../durable.ts";
import type { Client, Query } from "./client.ts";
import { Failure } from "./failure.ts";

export type Saved = { bytes: number; sha256: string; headers: IncomingHttpHeaders };
type Asked = {
  path: string;
  query?: Query;
  accept: string;
  /** Looks at what came before it bears its name; throws a Failure when it must not. */
  check?: (saved: Saved) => void;
};

/** Asks, and keeps the answer as `output`, which it replaces. NOT_WRITTEN, and what the controller refuses. */
export async function saveAnswer(client: Client, output: string, asked: Asked): Promise<Saved> {
  return await keep(output, (file) => receive(client, file, asked));
}

/** Keeps `content` as `output`, which it replaces. NOT_WRITTEN. */
export async function saveContent(output: string, content: string | Uint8Array): Promise<void> {
  await keep(output, (file) => file.writeFile(content));
}

async function keep<T>(output: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const partial = partialName(output);
  try {
    const made = await writeAll(partial, write);
    await rename(partial, output);
    await syncFolder(dirname(output));
    return made;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("NOT_WRITTEN", {
      message: `${output} cannot be written: ${(cause as Error).message}`,
      remedy: "Name a file in a folder that exists and may be written.",
      cause,
    });
  } finally {
    await rm(partial, { force: true });
  }
}

async function writeAll<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await using file = await open(path, "wx", 0o666);
  const made = await write(file);
  await file.sync();
  return made;
}

async function receive(client: Client, file: FileHandle, { path, query = {}, accept, check }: Asked): Promise<Saved> {
  const { signal } = new AbortController();
  const response = await client.stream(path, { query, headers: { accept }, signal });
  const digest = createHash("sha256");
  let bytes = 0;
  for await (const piece of piecesOf(response, client.url)) {
    digest.update(piece);
    bytes += piece.length;
    await file.appendFile(piece);
  }
  const saved = { bytes, sha256: digest.digest("hex"), headers: response.headers };
  check?.(saved);
  return saved;
}

async function* piecesOf(response: IncomingMessage, url: URL): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new Failure("UNREACHABLE", {
      message: `the connection to ${url.origin} was cut before everything had come`,
      remedy: "Try again.",
      cause,
    });
  }
}
