/** Token buckets by name, bounded in number. */
import { ControllerError } from "../errors.ts";

export type RateLimit = {
  /** Tokens that a name has when it comes for the first time. */
  burst: number;
  perSecond: number;
};

type Bucket = { tokens: number; at: number };

export type RateLimiter = {
  /** Takes one token; seconds until there is one when there is none, else 0. */
  take: (name: string) => number;
  /** Seconds until there is a token, without taking it. */
  wait: (name: string) => number;
};

/** At most `maxNames` are remembered; beyond that the one seen longest ago is forgotten, so a flood of names costs no memory. */
export function rateLimiter({ burst, perSecond }: RateLimit, now: () => Date, maxNames = 10_000): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const look = (name: string): Bucket => {
    const at = now().getTime();
    const known = buckets.get(name);
    if (known === undefined) return { tokens: burst, at };
    const elapsed = Math.max(0, at - known.at) / 1000;
    return { tokens: Math.min(burst, known.tokens + elapsed * perSecond), at };
  };
  const wait = (bucket: Bucket) => (bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / perSecond);
  return {
    wait: (name) => wait(look(name)),
    take: (name) => {
      const bucket = look(name);
      const seconds = wait(bucket);
      if (seconds === 0) bucket.tokens -= 1;
      buckets.delete(name);
      buckets.set(name, bucket);
      const [oldest] = buckets.keys();
      if (buckets.size > maxNames && oldest !== undefined) buckets.delete(oldest);
      return seconds;
    },
  };
}

export function tooManyRequests(retryAfter: number, message: string): ControllerError {
  return new ControllerError("TOO_MANY_REQUESTS", { message, retryAfter });
}
