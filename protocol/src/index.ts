export * from "./ids.ts";
export * from "./proof.ts";
export * from "./sidecar.ts";
