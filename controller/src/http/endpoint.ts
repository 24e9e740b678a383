/** What an endpoint is: declared once, and from that checked, documented and served. */
import type { z } from "zod";
import type { Action, Caller } from "../domain/access.ts";
import type { ErrorCode } from "../errors.ts";
import type { ApiContext } from "./context.ts";

type Schema = z.ZodType;
type Answers = Readonly<Record<number, Schema>>;

export type EndpointRequest<Params, Query, Body> = {
  params: Params;
  query: Query;
  body: Body;
  caller: Caller;
  /** Ends when the caller has gone. */
  signal: AbortSignal;
  /** Ends the connection without another byte. */
  cut: () => void;
  /** Whether the credential would still be taken; for answers that go on and on. */
  isStillAllowed: () => Promise<boolean>;
  header: (name: string) => string | undefined;
};

type JsonAnswer<All extends Answers> = {
  [Status in keyof All & number]: { status: Status; body: z.input<All[Status]> };
}[keyof All & number];
export type StreamAnswer = {
  status: 200;
  stream: ReadableStream<Uint8Array>;
  contentType: string;
  headers?: Readonly<Record<string, string>>;
};

type Method = "get" | "post" | "put" | "patch" | "delete";

type Facts = {
  method: Method;
  /** As OpenAPI writes it: `/api/v1/items/{agent_id}/{vm_context_id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** What the caller must be allowed to do; null: open to everyone, and limited by source. */
  action: Action | null;
  /** `api-key`: for programs only, and told so in an API key's own codes; a person's token is refused. */
  credential?: "api-key";
  /** The refusals that are this endpoint's own, beyond those that every endpoint has. */
  refusals?: readonly ErrorCode[];
  maxBodyBytes?: number;
  /** A stream of this type instead of JSON. */
  streams?: string;
  /** Served but not documented. */
  hidden?: boolean;
};

export type Definition<P extends Schema, Q extends Schema, B extends Schema, A extends Answers> = Facts & {
  params?: P;
  query?: Q;
  body?: B;
  answers: A;
  handle: (
    context: ApiContext,
    request: EndpointRequest<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Promise<JsonAnswer<A> | StreamAnswer>;
};

export type Endpoint = Facts & {
  params?: Schema;
  query?: Schema;
  body?: Schema;
  answers: Answers;
  handle: (
    context: ApiContext,
    request: EndpointRequest<unknown, unknown, unknown>,
  ) => Promise<{ status: number; body: unknown } | StreamAnswer>;
};

/** Declares an endpoint; its handler's types follow from its schemas, which is why the cast is safe after the check. */
export function endpoint<P extends Schema, Q extends Schema, B extends Schema, A extends Answers>(
  definition: Definition<P, Q, B, A>,
): Endpoint {
  return definition as unknown as Endpoint;
}
