/** Why something was not sent. `permanent`: the same again would fail again until somebody changes something. */
export class OutboundError extends Error {
  readonly permanent: boolean;

  constructor(message: string, { permanent, cause }: { permanent: boolean; cause?: unknown }) {
    super(message, { cause });
    this.name = "OutboundError";
    this.permanent = permanent;
  }
}
