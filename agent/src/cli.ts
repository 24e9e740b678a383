#!/usr/bin/env node
if (process.argv[2] === "--version") {
  const { agentVersion } = await import("./version.ts");
  process.stdout.write(`${agentVersion()}\n`);
} else {
  const { main } = await import("./cli/main.ts");
  process.exitCode = await main(process.argv.slice(2));
}
