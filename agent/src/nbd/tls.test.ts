import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fields, honestGreeting, optionReply } from "../../../test/helpers/lying-nbd-server.ts";
import { scratchFolder, startNbdkitTcp } from "../../../test/helpers/nbd-servers.ts";
import { run } from "../exec.ts";
import { connectNbd } from "./client.ts";
import { type NbdEndpoint, parseNbdUri } from "./endpoint.ts";

let folder: Awaited<ReturnType<typeof scratchFolder>>;
const file = (name: string) => join(folder.path, name);
const openssl = (...args: string[]) => run("openssl", args, { timeoutMs: 20_000 });
const key = (name: string) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(name)];

async function makeAuthority(name: string): Promise<void> {
  const subject = ["-x509", "-days", "2", "-subj", `/CN=${name}`, "-out", file(`${name}.pem`)];
  await openssl("req", ...key(`${name}-key.pem`), ...subject);
}

/** `<name>-cert.pem` and `<name>-key.pem`, the names that nbdkit looks for. */
async function makeCertificate(name: string, alternative: string): Promise<void> {
  await openssl(
    ...["req", "-x509", "-days", "2", "-CA", file("ca-cert.pem"), "-CAkey", file("ca-cert-key.pem")],
    ...[...key(`${name}-key.pem`), "-subj", `/CN=${name}`, "-out", file(`${name}-cert.pem`)],
    ...["-addext", `subjectAltName=${alternative}`, "-addext", "basicConstraints=critical,CA:FALSE"],
  );
}

beforeAll(async () => {
  folder = await scratchFolder();
  await Promise.all([makeAuthority("ca-cert"), makeAuthority("other-ca")]);
  await Promise.all([
    makeCertificate("server", "DNS:backup.example,IP:127.0.0.1"),
    makeCertificate("client", "DNS:agent.example"),
  ]);
});
afterAll(() => folder[Symbol.asyncDispose]());

const tlsServer = (...args: string[]) =>
  startNbdkitTcp(["--tls=require", `--tls-certificates=${folder.path}`, ...args, "data", "size=1M", '"hello"*1000']);

test("a verified server is read through TLS, by address and by the name in its certificate", async () => {
  await using server = await tlsServer();
  for (const tls of [{ ca: file("ca-cert.pem") }, { ca: file("ca-cert.pem"), serverName: "backup.example" }]) {
    const client = await connectNbd({ ...server.endpoint, tls });
    const target = Buffer.alloc(5);
    await client.read(5, target);
    expect(target.toString()).toBe("hello");
    await client.close();
  }
});

test("a client certificate is given to a server that asks for one, and missed when it is not there", async () => {
  await using server = await tlsServer("--tls-verify-peer");
  const ca = file("ca-cert.pem");
  const tls = { ca, cert: file("client-cert.pem"), key: file("client-key.pem") };
  const client = await connectNbd({ ...server.endpoint, tls });
  expect(client.size).toBe(1024 * 1024);
  await client.close();
  await expect(connectNbd({ ...server.endpoint, tls: { ca } })).rejects.toMatchObject({ code: "NBD_REFUSED" });
});

test("no trust, no data: wrong authority, wrong name, no authority, no TLS on either side", async () => {
  await using server = await tlsServer();
  await using plain = await startNbdkitTcp(["--tls=off", "memory", "size=1M"]);
  const ca = file("ca-cert.pem");
  const attempts: [NbdEndpoint, object][] = [
    [{ ...server.endpoint, tls: { ca: file("other-ca.pem") } }, { code: "NBD_REFUSED" }],
    [
      { ...server.endpoint, tls: { ca, serverName: "other.example" } },
      { code: "NBD_REFUSED", details: /ALTNAME/ },
    ],
    [{ ...server.endpoint, tls: { ca: file("absent.pem") } }, { code: "BAD_CONFIG" }],
    [parseNbdUri(`nbds://127.0.0.1:${server.endpoint.port}/`), { code: "BAD_CONFIG" }],
    [server.endpoint, { code: "NBD_REFUSED", message: /TLS_REQD/ }],
    [
      { ...plain.endpoint, tls: { ca } },
      { code: "NBD_REFUSED", message: /refused TLS/ },
    ],
  ];
  for (const [endpoint, error] of attempts) await expect(connectNbd(endpoint)).rejects.toMatchObject(error);
});

test("no environment variable switches the verification off", async () => {
  await using server = await tlsServer();
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    const endpoint = { ...server.endpoint, tls: { ca: file("other-ca.pem") } };
    await expect(connectNbd(endpoint)).rejects.toMatchObject({ code: "NBD_REFUSED" });
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

/** Acknowledges STARTTLS and adds bytes in the clear, as somebody on the wire would; keeps what the client says. */
async function injector(extra: Buffer, together: boolean) {
  const heard: Buffer[] = [];
  const server: Server = createServer((socket: Socket) => {
    socket.on("error", () => undefined).write(honestGreeting);
    socket.on("data", (bytes) => {
      heard.push(bytes);
      if (heard.length > 1) return;
      const ack = optionReply(5, 1);
      socket.write(together ? Buffer.concat([ack, extra]) : ack);
      if (!together) setTimeout(() => socket.write(extra), 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = () => new Promise((resolve) => server.close(resolve));
  return { heard, port, [Symbol.asyncDispose]: async () => void (await close()) };
}

test.each([
  ["with the acknowledgement", true],
  ["after it", false],
])("plaintext injected %s is refused, and no option is ever sent in the clear", async (_, together) => {
  const injected = fields(optionReply(8, 1), optionReply(7, 1));
  await using server = await injector(injected, together);
  const tls = { ca: file("ca-cert.pem") };
  const endpoint = { transport: "tcp", host: "127.0.0.1", port: server.port, exportName: "secret", tls } as const;
  await expect(connectNbd(endpoint)).rejects.toMatchObject({ code: "NBD_PROTOCOL" });
  expect(Buffer.concat(server.heard).includes("secret")).toBe(false);
});
