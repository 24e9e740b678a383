import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { catchMail, type Mail } from "./mail-catcher.ts";

const HOST = "127.0.0.1";

/** Says these lines, each once the one before was answered. */
async function say(port: number, lines: readonly string[]): Promise<string[]> {
  const socket = connect(port, HOST).setEncoding("utf8");
  const answers: string[] = [];
  for (const line of [null, ...lines]) {
    if (line !== null) socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, "data")) as [string];
    answers.push(answer.slice(0, 3));
  }
  socket.destroy();
  return answers;
}

it("keeps what comes, with the delivery that it names and a subject that stands on two lines", async () => {
  const heard: Mail[] = [];
  const catcher = await catchMail(HOST, 0, (mail) => heard.push(mail));
  const mail = [
    ...[
      "Subject: critical: the agent",
      " demo-host is offline",
      "X-Holdfast-Delivery: d-1",
      "",
      "subject: not this",
      ".",
    ],
  ].join("\r\n");
  const words = ["HELO here", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA", mail];
  expect(await say(catcher.port, words)).toEqual(["220", "250", "250", "250", "354", "250"]);
  expect(heard).toMatchObject([
    { to: ["b@example.org"], subject: "critical: the agent demo-host is offline", deliveryId: "d-1" },
  ]);
  expect(catcher.mails).toEqual(heard);
  await catcher.close();
});

it("says so when its port is taken", async () => {
  const first = await catchMail(HOST, 0, () => undefined);
  await expect(catchMail(HOST, first.port, () => undefined)).rejects.toMatchObject({ code: "CONFLICT" });
  await first.close();
});
