#!/usr/bin/env node
if (process.argv[2] === "--version") {
  const { controllerVersion } = await import("./version.ts");
  process.stdout.write(`${controllerVersion()}\n`);
} else {
  const { main } = await import("./cli/main.ts");
  process.exitCode = await main(process.argv.slice(2));
}
