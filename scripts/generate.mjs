// Generates the Prisma client and the resolver types. Prisma would fetch a schema engine that `generate` never runs;
// naming any executable as that engine keeps the install to the package registry.
import { execFileSync } from "node:child_process";

const run = (command, ...args) =>
  execFileSync("npx", ["--no-install", command, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: "1" },
  });

run("prisma", "generate");
run("graphql-codegen", "--silent");
