// As controller/bin/holdfast.mjs starts the program: drizzle by its CommonJS modules, which cost a tenth of the others.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (!/^drizzle-orm(?:\/|$)/.test(specifier)) return next(specifier, context);
    return next(specifier, { ...context, conditions: ["node", "require"] });
  },
});
await import("./server.ts");
