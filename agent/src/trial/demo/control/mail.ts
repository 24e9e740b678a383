/** People are told by mail: a channel to the demonstration's own mail server, and a route that leads everything there. */
import type { z } from "zod";
import { HoldfastError } from "../../../errors.ts";
import { type Api, bodyOf, type Question } from "../api.ts";
import {
  channelAnswer,
  channelsAnswer,
  deliveriesAnswer,
  routeMadeAnswer,
  routesAnswer,
  trialAnswer,
} from "./answers.ts";
import type { ControlContext } from "./context.ts";
import type { Mail } from "./mail-catcher.ts";
import { waitFor } from "./wait.ts";

const NAME = "mail to the admin";
const ADDRESS = "admin@example.org";
const MAIL_MS = 60_000;

/** Sets the channel up, and tries it. Resolves with its id. CONFLICT when the test mail does not come. */
export async function mailStory(context: ControlContext): Promise<string> {
  const { api, story, mails, signal } = context;
  return await story.tell("mail", async () => {
    const value = await ensureChannel(context);
    await ensureRoute(api, value);
    const before = mails.mails.length;
    const question: Question = { method: "POST", path: `/api/v1/channels/${value}/test`, body: {} };
    const { delivered, error } = bodyOf(await api.ask(question, trialAnswer), question.path);
    if (!delivered) throw new HoldfastError("CONFLICT", { message: `the test mail could not be sent: ${error}` });
    const mail = await waitFor(signal, {
      otherwise: "the test mail did not arrive",
      look: async () => mails.mails.slice(before).find(({ subject }) => subject.includes("test message")),
      patienceMs: MAIL_MS,
    });
    const what = `to ${ADDRESS}, caught on port ${mails.port}; arrived: "${mail.subject}"`;
    return { value, what, size: "-", result: "done" };
  });
}

async function ensureChannel({ api, mails }: ControlContext): Promise<string> {
  const config = { host: "127.0.0.1", port: mails.port, security: "none", from: "holdfast@example.org", to: [ADDRESS] };
  const body = { name: NAME, kind: "smtp", config, enabled: true };
  const { channels } = await api.read("/api/v1/channels?limit=1000", channelsAnswer);
  const known = channels.find(({ name }) => name === NAME);
  if (known === undefined) {
    const made = await api.ask({ method: "POST", path: "/api/v1/channels", body }, channelAnswer);
    if (made.ok) return made.body.channel_id;
    return await afterConflict(made, async () => {
      const again = await api.read("/api/v1/channels?limit=1000", channelsAnswer);
      return again.channels.find(({ name }) => name === NAME)?.channel_id;
    });
  }
  if (known.enabled && known.config["port"] === mails.port) return known.channel_id;
  const path = `/api/v1/channels/${known.channel_id}`;
  return bodyOf(await api.ask({ method: "PUT", path, body }, channelAnswer), path).channel_id;
}

/** One that tells at once and of everything; others that a person made go before it by their position. */
async function ensureRoute(api: Api, channelId: string): Promise<void> {
  const find = async (): Promise<string | undefined> => {
    const { routes } = await api.read("/api/v1/routes?limit=1000", routesAnswer);
    return routes.find((route) => route.name === NAME && route.channel_ids.includes(channelId))?.route_id;
  };
  if ((await find()) !== undefined) return;
  const body = { name: NAME, position: 1000, channel_ids: [channelId], group_wait_seconds: 0 };
  const made = await api.ask({ method: "POST", path: "/api/v1/routes", body }, routeMadeAnswer);
  if (!made.ok) await afterConflict(made, find);
}

type Refused = Extract<Awaited<ReturnType<Api["ask"]>>, { ok: false }>;

/** An answer that was lost shows as a conflict the next time. */
export async function afterConflict<Found>(refused: Refused, find: () => Promise<Found | undefined>): Promise<Found> {
  const found = refused.code === "CONFLICT" ? await find() : undefined;
  if (found !== undefined) return found;
  return bodyOf<Found>(refused, refused.message);
}

type Delivery = z.infer<typeof deliveriesAnswer>["deliveries"][number];
export type Told = { alertId: string; kind: "alert" | "resolved"; channelId: string };

/** The mail that tells of this alert, once the mail server has it. TIMEOUT. */
export async function mailOf(context: ControlContext, told: Told): Promise<Mail> {
  const { api, mails, signal } = context;
  const path = `/api/v1/deliveries?channel_id=${told.channelId}&limit=200`;
  let newest: Delivery | undefined;
  return await waitFor(signal, {
    otherwise: () => `no mail came of the alert ${told.alertId} (${newest?.last_error ?? newest?.state ?? "not sent"})`,
    look: async () => {
      const { deliveries } = await api.read(path, deliveriesAnswer);
      newest = deliveries.find(({ kind, alert_ids }) => kind === told.kind && alert_ids.includes(told.alertId));
      return mails.mails.find(({ deliveryId }) => deliveryId !== null && deliveryId === newest?.delivery_id);
    },
    patienceMs: MAIL_MS,
  });
}
