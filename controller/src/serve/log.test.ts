import { generateKeyPairSync } from "node:crypto";
import { Writable } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { ControllerError } from "../errors.ts";
import { createLogger } from "./log.ts";

const TOKEN = `hfe1.abcdefgh.${"s".repeat(43)}.${"0".repeat(64)}`;
const KEY = `hfk1.abcdefghijklmnop.${"k".repeat(43)}`;
const JWT = `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.${"j".repeat(86)}`;
const { privateKey } = generateKeyPairSync("ed25519");
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

describe("the log", () => {
  let lines: string[];
  const log = createLogger(
    "debug",
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    }),
  );
  beforeEach(() => {
    lines = [];
  });
  const told = () => JSON.parse(lines.join("")) as Record<string, unknown>;

  it("is one JSON object a line, with a level in words and a time in UTC", () => {
    log.warn({ agent_id: "a" }, "two\nlines");
    expect(lines.join("").split("\n")).toEqual([expect.any(String), ""]);
    expect(told()).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      agent_id: "a",
      msg: "two\nlines",
    });
  });

  it.each([
    ["an enrolment token", TOKEN, "s".repeat(43)],
    ["an API key", KEY, "k".repeat(43)],
    ["an access token", `Bearer ${JWT}`, "j".repeat(86)],
    ["a private key", PEM, PEM.split("\n")[1] ?? ""],
    ["a password in a URL", "connect to postgres://holdfast:hunter2@db/x", "hunter2"],
  ])("never holds %s, wherever it comes from", (_, secret, kept) => {
    log.info(secret);
    log.info({ detail: { deep: [secret] } }, "x");
    log.error({ err: new Error(secret, { cause: new Error(secret) }) }, secret);
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).not.toContain(kept);
      expect(line).toContain("redacted");
      JSON.parse(line);
    }
  });

  it("keeps the id of a token, by which it can be revoked", () => {
    log.info(`refused ${TOKEN}`);
    expect(told()).toMatchObject({ msg: "refused hfe1.abcdefgh.[redacted]" });
  });

  it("leaves out what is named as a secret", () => {
    log.info({ password: "hunter2", request: { authorization: "x y z", token: "t" } }, "x");
    expect(told()).toMatchObject({
      password: "[redacted]",
      request: { authorization: "[redacted]", token: "[redacted]" },
    });
  });

  it("tells errors with their causes, but nothing of a query", () => {
    const query = Object.assign(new Error("Failed query: insert … params: hunter2"), {
      query: "…",
      params: ["hunter2"],
    });
    log.error({ err: new ControllerError("UNAVAILABLE", { message: "away", cause: query }) }, "x");
    expect(lines.join("")).not.toContain("hunter2");
    expect(told()).toMatchObject({
      err: { type: "ControllerError", code: "UNAVAILABLE", message: "away", cause: { message: "a query failed" } },
    });
  });

  it("ends with causes that go in a circle", () => {
    const error = new Error("a");
    error.cause = new Error("b", { cause: error });
    log.error({ err: error }, "x");
    expect(told()).toMatchObject({ err: { message: "a", cause: { message: "b" } } });
  });
});
