/** How much of a test is done: `few` by `npm test`, which is to take minutes; `all` by `npm run test:long -- whole`. */
export function sampled<T>(few: T, all: T): T {
  return process.env["HOLDFAST_LONG"] === undefined ? few : all;
}
