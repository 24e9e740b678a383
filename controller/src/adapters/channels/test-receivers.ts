/** Real receivers of what channels send, on this host. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Notification } from "../../domain/alert/observation.ts";

export type HttpHeard = { url: string; headers: Record<string, string | string[] | undefined>; body: string };

/** `answer`: status and headers of the next answers; may be changed. */
export async function httpReceiver() {
  const heard: HttpHeard[] = [];
  const answer: { status: number; headers: Record<string, string>; body: string } = {
    status: 200,
    headers: {},
    body: "",
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    heard.push({ url: request.url ?? "", headers: request.headers, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    heard,
    answer,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Mail = { from: string; to: string[]; text: string; user: string | null; secure: boolean };

export async function mailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    onAuth: ({ username, password }, _session, done) => {
      if (password === "right") done(null, { user: username ?? "" });
      else done(Object.assign(new Error("wrong user name or password"), { responseCode: 535 }));
    },
    onData: (stream, session, done) => {
      let text = "";
      stream.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        const user = typeof session.user === "string" ? session.user : null;
        mails.push({ from, to: rcptTo.map(({ address }) => address), text, user, secure: session.secure });
        done();
      });
    },
    ...options,
  });
  // A client that goes away in the middle is no error of ours.
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    mails,
    port: (listening.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

export function notification(changes: Partial<Notification> = {}): Notification {
  return {
    notification_id: "0b9c6e0e-58a5-4d0c-9a4f-3a1d6c2b7e11",
    kind: "alert",
    title: "The backup of büro-01 failed",
    text: "No space left on <repository> & nothing was written.",
    severity: "critical",
    alerts: [
      {
        alert_id: "6d9f9f5e-1a0b-4d8f-8b6e-3c1f2a4b5c6d",
        alert_type: "backup_failure",
        severity: "critical",
        state: "open",
        subject: "item:a/vm-1",
        message: "No space left",
        agent: "büro-01",
        created_at: "2026-03-01T03:00:00.000Z",
        resolved_at: null,
      },
    ],
    ...changes,
  };
}
