/** `holdfast serve` as a process: how it starts, ends and is killed. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAuthority } from "../../controller/src/adapters/pki/authority.ts";
import { issueServerCertificate } from "../../controller/src/adapters/pki/issue.ts";
import { type ControllerWorld, makeControllerWorld, tokenIn } from "../helpers/controller-world.ts";
import { startProgram } from "../helpers/holdfast.ts";

let world: ControllerWorld;

beforeEach(async () => {
  world = await makeControllerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("holdfast serve", () => {
  it("tells the admin's token at its first start and never again, in no log, and it keeps working", async () => {
    const first = await world.start();
    // What 5,000 connections take depends on it.
    expect(await readFile(`/proc/${first.child.pid}/cmdline`, "utf8")).toContain("\0--max-semi-space-size=2\0");
    expect(await readFile(`/proc/${first.child.pid}/environ`, "utf8")).toContain("MALLOC_MMAP_THRESHOLD_=8192");
    await expect.poll(first.stderr).toMatch(/^Later ones:/m);
    const token = tokenIn(first.stderr()) ?? "";
    expect((await world.json(first, ["status"], { HOLDFAST_TOKEN: token })).code).toBe(0);
    expect(first.stdout.join("\n")).not.toContain(token.slice(-40));
    expect(await first.end("SIGTERM")).toEqual({ code: 0, signal: null });

    const second = await world.start();
    const [one, two] = [await first.said("the controller is ready"), await second.said("the controller is ready")];
    expect(two["root_fingerprint"]).toBe(one["root_fingerprint"]);
    expect((await world.json(second, ["status"], { HOLDFAST_TOKEN: token })).code).toBe(0);
    await second.end("SIGTERM");
    expect(second.stderr()).toContain(String(one["root_fingerprint"]));
    expect(tokenIn(second.stderr())).toBeUndefined();
  });

  it("keeps its data folder to its own user", async () => {
    const controller = await world.start();
    await controller.end("SIGTERM");
    const modes = new Set<number>();
    for (const name of await readdir(world.data, { recursive: true }))
      modes.add((await stat(join(world.data, name))).mode & 0o077);
    expect([...modes]).toEqual([0]);
    expect((await stat(world.data)).mode & 0o777).toBe(0o700);
  });

  it("ends readers of events and connections that do nothing at once", async () => {
    const controller = await world.start();
    const where = { HOLDFAST_URL: controller.url, HOLDFAST_DATA_DIR: world.data };
    world.keep(startProgram("holdfast", ["events", "follow", "--json"], where));
    await expect.poll(() => controller.log.find(({ route }) => route === "/api/v1/events")).toBeDefined();
    const began = performance.now();
    expect((await controller.end("SIGTERM")).code).toBe(0);
    expect(performance.now() - began).toBeLessThan(2500);
  });

  it("lets a request under way end for a while, and ends at once with a second signal", async () => {
    const controller = await world.start();
    const { socket, closed } = await halfARequest(controller.httpsPort);
    controller.child.kill("SIGTERM");
    await controller.said("the controller is stopping");
    await new Promise((wake) => setTimeout(wake, 300));
    expect(controller.child.exitCode).toBeNull();
    const began = performance.now();
    expect((await controller.end("SIGTERM")).code).toBe(143);
    expect(performance.now() - began).toBeLessThan(1000);
    await closed;
    socket.destroy();
  });

  it("cuts what does not end, and has then ended in good order", async () => {
    const controller = await world.start();
    const { closed } = await halfARequest(controller.httpsPort);
    expect((await controller.end("SIGINT")).code).toBe(0);
    await closed;
    expect(controller.log).toContainEqual(expect.objectContaining({ msg: "the controller has stopped" }));
  });

  it("knows after kill -9 what it had said yes to", async () => {
    const controller = await world.start();
    const { document } = await world.json(controller, ["token", "create", "--name", "web"]);
    expect(await controller.end("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    const again = await world.start();
    const { document: known } = await world.json(again, ["token", "list"]);
    expect(known).toMatchObject({ tokens: [{ token_id: document["token_id"], name: "web" }] });
  });

  it("answers browsers with the operator's certificate, agents and the command line with its own", async () => {
    const other = await openAuthority(join(world.folder, "other"), new Date());
    const { cert, key } = issueServerCertificate(other, ["backup.example.org"], new Date());
    const files = [join(world.folder, "cert.pem"), join(world.folder, "key.pem")] as const;
    await writeFile(files[0], cert);
    await writeFile(files[1], key);
    const controller = await world.start({
      args: ["--certificate-file", files[0], "--certificate-key-file", files[1]],
    });
    const shown = async (name: string) => (await certificateOf(controller.httpsPort, name)).subjectaltname;
    expect(await shown("backup.example.org")).toContain("backup.example.org");
    expect(await shown("enrol.holdfast.internal")).not.toContain("backup.example.org");
    expect((await world.json(controller, ["status"])).code).toBe(0);
  });
});

/** A request whose body never ends. */
async function halfARequest(port: number) {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, servername: "localhost" });
  const closed = new Promise<void>((done) => socket.once("close", () => done()));
  socket.on("error", () => undefined);
  await new Promise<void>((done) => socket.once("secureConnect", () => done()));
  const head = ["POST /api/v1/enrolment HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 100"];
  await new Promise<void>((done) => socket.write(`${head.join("\r\n")}\r\n\r\n{`, () => done()));
  await new Promise((wake) => setTimeout(wake, 200));
  return { socket, closed };
}

function certificateOf(port: number, servername: string) {
  return new Promise<{ subjectaltname?: string }>((done, refuse) => {
    const socket = connectTls({ socket: connect(port, "127.0.0.1"), servername, rejectUnauthorized: false }, () => {
      done(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once("error", refuse);
  });
}
