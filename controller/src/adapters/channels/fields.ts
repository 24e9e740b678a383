import { z } from "zod";

export const httpUrl = z
  .string()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && ["https:", "http:"].includes(url.protocol) && url.username === "" && url.password === "";
  }, "must be an http or https address without user name and password");

/** One line, so that nothing typed becomes a header of its own. */
export const line = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\r\n]+$/, "must be one line");
