// Generates the Prisma client, the resolver types, and an initialised embedded database to start from. Prisma would
// fetch a schema engine that `generate` never runs; naming any executable as that engine keeps the install to the
// package registry.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";

const run = (command, ...args) =>
  execFileSync("npx", ["--no-install", command, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: "1" },
  });

run("prisma", "generate");
run("graphql-codegen", "--silent");

const database = await PGlite.create();
const packed = await database.dumpDataDir("gzip");
await database.close();
mkdirSync("generated", { recursive: true });
writeFileSync("generated/empty-database.tgz", Buffer.from(await packed.arrayBuffer()));
