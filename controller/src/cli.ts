#!/usr/bin/env node
import { controllerVersion } from "./version.ts";

process.stdout.write(`${controllerVersion()}\n`);
