/** A mail server of the demonstration's own on this host: it keeps what comes, and passes nothing on. */
import { once } from "node:events";
import { SMTPServer } from "smtp-server";
import { HoldfastError } from "../../../errors.ts";

/** `deliveryId`: of the controller's outbox; null: it names none. */
export type Mail = { at: Date; to: string[]; subject: string; deliveryId: string | null };
export type MailCatcher = {
  port: number;
  /** In the order in which they came. */
  mails: readonly Mail[];
  close: () => Promise<void>;
};

const CLOSE_MS = 1000;
const MAX_BYTES = 4 * 2 ** 20;

/** Listens on `host`:`port`, any with 0; `onMail` hears of each mail. CONFLICT when it cannot. */
export async function catchMail(host: string, port: number, onMail: (mail: Mail) => void): Promise<MailCatcher> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    size: MAX_BYTES,
    closeTimeout: CLOSE_MS,
    onData: (stream, session, done) => {
      let text = "";
      stream.setEncoding("utf8").on("data", (piece: string) => {
        text = `${text}${piece}`.slice(0, MAX_BYTES);
      });
      stream.once("end", () => {
        const headers = headersOf(text);
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const deliveryId = headers.get("x-holdfast-delivery") ?? null;
        const mail = { at: new Date(), to, subject: headers.get("subject") ?? "", deliveryId };
        mails.push(mail);
        onMail(mail);
        done();
      });
    },
  });
  // A controller that is killed in the middle of a mail is no error of this server.
  server.on("error", () => undefined);
  const listening = server.listen(port, host);
  try {
    await once(listening, "listening");
  } catch (error) {
    throw new HoldfastError("CONFLICT", {
      message: `the demonstration's mail server cannot listen on ${host}:${port}`,
      remedy: "Start it again: it takes another port then.",
      cause: error,
    });
  }
  const address = listening.address();
  const chosen = typeof address === "object" && address !== null ? address.port : port;
  return { port: chosen, mails, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Names in small letters; what stands on several lines becomes one. */
function headersOf(text: string): Map<string, string> {
  const [head = ""] = text.split(/\r?\n\r?\n/, 1);
  const lines = head.replaceAll(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
    }),
  );
}
