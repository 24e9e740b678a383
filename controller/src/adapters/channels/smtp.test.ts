import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Authority, openAuthority } from "../pki/authority.ts";
import { issueServerCertificate, type ServerCertificate } from "../pki/issue.ts";
import { smtp } from "./smtp.ts";
import { mailServer, notification } from "./test-receivers.ts";

let folder: string;
let authority: Authority;
let served: ServerCertificate;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-smtp-"));
  authority = await openAuthority(join(folder, "pki"), new Date());
  served = issueServerCertificate(authority, ["mail.example.org"], new Date());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const resolver = async () => [{ address: "127.0.0.1", family: 4 }];
const outbound = () => ({ allowed: ["127.0.0.1"], resolver, ca: authority.rootPem, timeoutMs: 5000 });
const letter = { host: "mail.example.org", from: "holdfast@example.org", to: ["a@example.org", "b@example.org"] };

it("over STARTTLS, with a login, to everyone", async () => {
  await using server = await mailServer({ ...served });
  const config = { ...letter, port: server.port, security: "starttls" as const, username: "holdfast" };
  const report = { name: "report.html", type: "text/html", text: "<p>größer</p>" };
  await smtp.open(config, { password: "right" }, outbound()).send(notification({ attachments: [report] }), signal);
  expect(server.mails).toMatchObject([
    { from: "holdfast@example.org", to: ["a@example.org", "b@example.org"], user: "holdfast", secure: true },
  ]);
  const text = server.mails[0]?.text ?? "";
  expect(text).toMatch(/^Message-ID: <0b9c6e0e-58a5-4d0c-9a4f-3a1d6c2b7e11@holdfast>/m);
  expect(text).toMatch(/^Auto-Submitted: auto-generated/m);
  expect(text).toContain("No space left on <repository>");
  expect(text).toContain("filename=report.html");
});

it("from the first byte encrypted", async () => {
  await using server = await mailServer({ ...served, secure: true });
  await smtp.open({ ...letter, port: server.port, security: "tls" }, {}, outbound()).send(notification(), signal);
  expect(server.mails).toMatchObject([{ secure: true, user: null }]);
});

it("a server that offers no STARTTLS hears no mail", async () => {
  await using server = await mailServer({ disabledCommands: ["STARTTLS"] });
  const channel = smtp.open({ ...letter, port: server.port, security: "starttls" }, {}, outbound());
  await expect(channel.send(notification(), signal)).rejects.toMatchObject({ permanent: true });
  expect(server.mails).toEqual([]);
  await smtp.open({ ...letter, port: server.port, security: "none" }, {}, outbound()).send(notification(), signal);
  expect(server.mails).toMatchObject([{ secure: false }]);
});

it("a certificate of somebody else, or for another name, hears no mail", async () => {
  const other = issueServerCertificate(authority, ["other.example.org"], new Date());
  await using wrong = await mailServer({ ...other });
  await using foreign = await mailServer({ ...served });
  const config = { ...letter, security: "starttls" as const };
  await expect(
    smtp.open({ ...config, port: wrong.port }, {}, outbound()).send(notification(), signal),
  ).rejects.toMatchObject({ permanent: false });
  await expect(
    smtp.open({ ...config, port: foreign.port }, {}, { ...outbound(), ca: "" }).send(notification(), signal),
  ).rejects.toThrow();
  expect([...wrong.mails, ...foreign.mails]).toEqual([]);
});

it("what the server says decides whether it is tried again", async () => {
  const refusing = (responseCode: number) => ({
    ...served,
    onRcptTo: (_address: unknown, _session: unknown, done: (error: Error) => void) =>
      done(Object.assign(new Error("not this one"), { responseCode })),
  });
  for (const [code, permanent] of [
    [550, true],
    [451, false],
    [421, false],
  ] as const) {
    await using server = await mailServer(refusing(code));
    const channel = smtp.open({ ...letter, port: server.port, security: "starttls" }, {}, outbound());
    await expect(channel.send(notification(), signal), String(code)).rejects.toMatchObject({ permanent });
  }
  await using server = await mailServer({ ...served });
  const config = { ...letter, port: server.port, security: "starttls" as const, username: "holdfast" };
  await expect(smtp.open(config, { password: "wrong" }, outbound()).send(notification(), signal)).rejects.toMatchObject(
    { permanent: true },
  );
  await expect(
    smtp.open({ ...config, port: 1 }, { password: "right" }, outbound()).send(notification(), signal),
  ).rejects.toMatchObject({ permanent: false });
});

it("a mail server inside is refused unless it is allowed", async () => {
  await using server = await mailServer({ ...served });
  const channel = smtp.open({ ...letter, port: server.port, security: "none" }, {}, { ...outbound(), allowed: [] });
  await expect(channel.send(notification(), signal)).rejects.toMatchObject({
    permanent: true,
    message: expect.stringMatching(/outbound_allow/),
  });
  expect(server.mails).toEqual([]);
});

it.each([
  ["to", { to: ["a@example.org\r\nBcc: x@example.org"] }],
  ["from", { from: "no address" }],
  ["host", { host: "mail example" }],
])("%s is looked at when it is typed", (field, change) => {
  const parsed = smtp.config.safeParse({ ...letter, ...change });
  expect(parsed.error?.issues[0]?.path[0]).toBe(field);
});

const refusing = (refused: Record<string, number>) => ({
  ...served,
  onRcptTo: ({ address }: { address: string }, _session: unknown, done: (error?: Error) => void) => {
    const responseCode = refused[address];
    done(responseCode === undefined ? undefined : Object.assign(new Error("not this one"), { responseCode }));
  },
});

it("one of several who is refused for good keeps nobody from the mail, and is named", async () => {
  await using server = await mailServer(refusing({ "b@example.org": 550 }));
  const channel = smtp.open({ ...letter, port: server.port, security: "starttls" }, {}, outbound());
  const partly = await channel.send(notification(), signal);
  expect(partly?.problem).toMatch(/^b@example.org: .*550/);
  expect(server.mails).toMatchObject([{ to: ["a@example.org"] }]);
});

it.each([
  [451, undefined],
  [550, /^b@example.org/],
])("who has to wait (and then: %s) gets it later, and the others not once more", async (then, problem) => {
  const refused: Record<string, number> = { "b@example.org": 451 };
  await using server = await mailServer(refusing(refused));
  const channel = smtp.open({ ...letter, port: server.port, security: "starttls" }, {}, outbound());
  const mail = notification({ notification_id: `waits-${then}` });
  for (let attempt = 0; attempt < 3; attempt += 1)
    await expect(channel.send(mail, signal)).rejects.toMatchObject({ permanent: false });
  if (problem === undefined) delete refused["b@example.org"];
  else refused["b@example.org"] = then;
  const partly = await channel.send(mail, signal);
  expect(partly?.problem ?? "").toMatch(problem ?? /^$/);
  const got = problem === undefined ? [["a@example.org"], ["b@example.org"]] : [["a@example.org"]];
  expect(server.mails.map(({ to }) => to)).toEqual(got);
});

it("a server with several addresses is reached by the one that answers", async () => {
  await using server = await mailServer({ ...served });
  const resolver = async () => ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map((address) => ({ address, family: 4 }));
  const several = { ...outbound(), allowed: ["127.0.0.0/8"], resolver };
  await smtp.open({ ...letter, port: server.port, security: "starttls" }, {}, several).send(notification(), signal);
  expect(server.mails).toHaveLength(1);
  const some = smtp.open(
    { ...letter, port: server.port, security: "starttls" },
    {},
    { ...several, allowed: ["127.0.0.1"] },
  );
  await expect(some.send(notification(), signal)).rejects.toMatchObject({ permanent: true });
  expect(server.mails).toHaveLength(1);
});

it("a resolver that does not answer is not waited for without end", async () => {
  const resolver = () => new Promise<never>(() => undefined);
  const channel = smtp.open(
    { ...letter, port: 25, security: "none" as const },
    {},
    { ...outbound(), resolver, timeoutMs: 100 },
  );
  await expect(channel.send(notification(), signal)).rejects.toMatchObject({ permanent: false });
});
