/** How much a peer may send: so much at once, and so much each second after that. */
export type Allowance = { burst: number; perSecond: number };
export type Bucket = { left: number; at: number };

export function fullBucket({ burst }: Allowance, now: number): Bucket {
  return { left: burst, at: now };
}

/** The bucket after taking `amount`; `left` below zero: it was too much. */
export function taken(bucket: Bucket, { burst, perSecond }: Allowance, amount: number, now: number): Bucket {
  const grown = bucket.left + (Math.max(0, now - bucket.at) / 1000) * perSecond;
  return { left: Math.min(burst, grown) - amount, at: now };
}
