import { type AlertFacts, matches } from "./match.ts";
import type { AlertMatch } from "./observation.ts";

export type Silence = { match: AlertMatch; startsAt: Date; endsAt: Date; endedAt: Date | null };
/** A time in which nothing is told of one host. */
export type QuietSpan = { from: Date; until: Date };

/** Until when nobody is told of it, as far as is known now; null: it may be told. */
export function quietUntil(
  alert: AlertFacts,
  silences: readonly Silence[],
  spans: readonly QuietSpan[],
  now: Date,
): Date | null {
  const ends = [
    ...silences.filter((silence) => isSilent(silence, alert, now)).map(({ endsAt }) => endsAt),
    ...spans.filter(({ from, until }) => from <= now && until > now).map(({ until }) => until),
  ];
  return ends.length === 0 ? null : new Date(Math.max(...ends.map((end) => end.getTime())));
}

function isSilent({ match, startsAt, endsAt, endedAt }: Silence, alert: AlertFacts, now: Date): boolean {
  return endedAt === null && startsAt <= now && endsAt > now && matches(match, alert);
}
