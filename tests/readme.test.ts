import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { VARIABLES } from "../src/config.js";
import { createSchema } from "../src/graphql/index.js";
import { readEndpoints } from "../src/http/documents.js";
import { createOpenApi } from "../src/http/openapi.js";

const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- configuration:begin -->\n";
const END = "<!-- configuration:end -->";
const HOW_TO_MEND =
  "README.md does not tell what src/config.ts does: UPDATE_README=1 npx vitest run tests/readme.test.ts";

const text = readFileSync(README, "utf8");

/** The configuration table as it has to be. */
function configurationTable(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) => {
    // What the environment would have to say, before anything is parsed: `on`, not true.
    const { default: fallback = "" } = z.toJSONSchema(variable.type, { io: "input", unrepresentable: "any" });
    const star = "secret" in variable ? " *" : "";
    const meaning = variable.help.replaceAll("|", "\\|");
    return `| \`${name}\`${star} | ${fallback === "" ? "" : `\`${fallback}\``} | ${meaning} |\n`;
  });
  return `| Name | Default | Meaning |\n|---|---|---|\n${rows.join("")}`;
}

function between(begin: string, end: string): string {
  const start = text.indexOf(begin);
  const stop = text.indexOf(end, start);
  if (start === -1 || stop === -1) throw new Error(`README.md has lost its markers ${begin.trim()} and ${end}`);
  return text.slice(start + begin.length, stop);
}

function codeBlocks(language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1] ?? "");
}

describe("the README", () => {
  it("lists every variable with its default and meaning", () => {
    const told = between(BEGIN, END);
    const table = configurationTable();
    if (process.env.UPDATE_README === "1")
      writeFileSync(
        README,
        text.replace(BEGIN + told + END, () => BEGIN + table + END),
      );
    else expect(told, HOW_TO_MEND).toBe(table);
  });

  it("shows queries that fit the schema", () => {
    const schema = createSchema();
    const queries = codeBlocks("graphql");
    expect(queries.length).toBeGreaterThanOrEqual(5);
    for (const query of queries) expect(validate(schema, parse(query)), query).toEqual([]);
  });

  it("names only scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1]);
    expect(named.filter((name) => !Object.hasOwn(scripts, name ?? ""))).toEqual([]);
  });
});

describe("the documents", () => {
  const folder = new URL("../docs/", import.meta.url);
  const documents = readdirSync(folder).filter((name) => name.endsWith(".md"));
  const texts = documents.map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const);
  const schema = createSchema();

  it("name only endpoints that exist", () => {
    const { paths } = createOpenApi(schema, readEndpoints(schema), "0") as { paths: Record<string, object> };
    const known = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = texts.flatMap(([name, content]) =>
      [...content.matchAll(/\b(GET|POST|PUT|DELETE) `?(\/(?:api|v1)\/[\w/{}.-]+)/g)].map(([, method, path]) => ({
        name,
        endpoint: `${method} ${path}`,
      })),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(({ endpoint }) => !known.includes(endpoint))).toEqual([]);
  });

  it.each(texts)("show GraphQL that fits the schema: %s", (_name, content) => {
    for (const [, query = ""] of content.matchAll(/^```graphql\n(.*?)^```$/gms)) {
      expect(validate(schema, parse(query)), query).toEqual([]);
    }
  });
});
