// drizzle's ES modules are hundreds in a circle, over which Node spends a second and 200 MiB; its CommonJS ones are the
// same code and cost a tenth. To be imported before anything that imports drizzle.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (!/^drizzle-orm(?:\/|$)/.test(specifier)) return next(specifier, context);
    return next(specifier, { ...context, conditions: ["node", "require"] });
  },
});
