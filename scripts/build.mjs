// Compiles src to dist, and puts the GraphQL files where the compiled code looks for them.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync, statSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
execFileSync("npx", ["--no-install", "tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
cpSync("src", "dist", { recursive: true, filter: (path) => statSync(path).isDirectory() || path.endsWith(".graphql") });
