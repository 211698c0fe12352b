import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError, readConfig } from "./config.js";
import { SERVICE_NAMES } from "./upstream/index.js";

const URLS = Object.fromEntries(
  SERVICE_NAMES.map((name, i) => [`${name.toUpperCase()}_SERVICE_URL`, `http://${name}:800${i + 1}`]),
);
const SECRET = "0123456789abcdef0123456789abcdef";
const PRODUCTION = { NODE_ENV: "production", JWT_SECRET_KEY: SECRET, ...URLS };
const folder = mkdtempSync(join(tmpdir(), "crowsnest-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("configuration", () => {
  it("needs nothing outside production: the demo serves", () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      demo: true,
      jwtSecret: null,
      introspection: true,
      PORT: 8007,
      METRICS_CACHE_TTL_SECONDS: 300,
      FORCE_REFRESH_PARAM: "refresh",
      JWT_EXPIRY_HOURS: 24,
      CURRENCY: "USD",
      CORS_ORIGINS: [],
    });
  });

  it("takes an empty variable for one that is not set", () => {
    expect(readConfig({ PORT: "", JWT_SECRET_KEY: "", HEALTH_SERVICE_URL: "" })).toMatchObject({
      PORT: 8007,
      demo: true,
    });
  });

  it("reads what is set", () => {
    const environment = {
      PORT: "9000",
      CORS_ORIGINS: "https://a.example, https://b.example,",
      SWEEP: "off",
      TRUST_PROXY: "true",
    };
    expect(readConfig({ ...PRODUCTION, ...environment, FORCE_REFRESH_PARAM: "?fresh=true" })).toMatchObject({
      production: true,
      demo: false,
      introspection: false,
      jwtSecret: SECRET,
      PORT: 9000,
      CORS_ORIGINS: ["https://a.example", "https://b.example"],
      SWEEP: false,
      TRUST_PROXY: true,
      FORCE_REFRESH_PARAM: "fresh",
    });
  });

  it("tells all faults at once, each with what arrived", () => {
    const faults = faultsOf({ PORT: "eighty", LOG_LEVEL: "loud", CURRENCY: "dollars", FLEET_NOW: "yesterday" });
    expect(faults.map((fault) => fault.split(":")[0])).toEqual(["PORT", "LOG_LEVEL", "CURRENCY", "FLEET_NOW"]);
    expect(faults[0]).toContain('"eighty"');
    expect(() => readConfig({ PORT: "-1" })).toThrow(/^Crowsnest cannot start:\n {2}- PORT: /);
  });

  it("tells of bad values, missing services and a weak secret in one go", () => {
    const faults = faultsOf({
      NODE_ENV: "production",
      PORT: "eighty",
      JWT_SECRET_KEY: "short",
      HEALTH_SERVICE_URL: "http://h",
    });
    expect(faults.filter((fault) => fault.startsWith("PORT"))).toHaveLength(1);
    expect(faults.filter((fault) => fault.includes("SERVICE_URL is not set"))).toHaveLength(5);
    expect(faults.filter((fault) => fault.startsWith("JWT_SECRET_KEY"))).toHaveLength(1);
  });

  it("never repeats a secret in a fault", () => {
    const faults = faultsOf({ ...PRODUCTION, JWT_SECRET_KEY: "my-short-secret" });
    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain("my-short-secret");
  });
});

describe("the secret of tokens", () => {
  const { JWT_SECRET_KEY: _, ...rest } = PRODUCTION;

  it.each([
    ["is missing", {}, "must be set in production"],
    ["is a published default", { JWT_SECRET_KEY: "your_secret_key_change_in_production" }, "well-known default"],
    ["is short", { JWT_SECRET_KEY: SECRET.slice(1) }, "at least 32 characters in production, got 31"],
    ["is an empty file", { JWT_SECRET_KEY_FILE: file("empty", "\n") }, "must be set in production"],
  ])("stops a production start when it %s, with advice", (_name, change, reason) => {
    const [fault, ...others] = faultsOf({ ...rest, ...change });
    expect(fault).toContain(reason);
    expect(fault).toContain("openssl rand -base64 32");
    expect(others).toEqual([]);
  });

  it("may be short elsewhere", () => {
    expect(readConfig({ JWT_SECRET_KEY: "short" }).jwtSecret).toBe("short");
  });

  it("may come from a file, which wins, without the line's end", () => {
    expect(
      readConfig({ ...PRODUCTION, JWT_SECRET_KEY_FILE: file("secret", `${SECRET.toUpperCase()}\n`) }).jwtSecret,
    ).toBe(SECRET.toUpperCase());
    expect(faultsOf({ JWT_SECRET_KEY_FILE: join(folder, "missing") })[0]).toMatch(/^JWT_SECRET_KEY_FILE: cannot read /);
  });
});

describe("services", () => {
  it.each(SERVICE_NAMES)("ask for the rest once %s is configured: no mixture with the demo", (name) => {
    const variable = `${name.toUpperCase()}_SERVICE_URL`;
    const faults = faultsOf({ [variable]: "http://localhost:8001" });
    expect(faults).toHaveLength(5);
    expect(faults.join()).not.toContain(variable);
  });

  it("have no demo in production", () => {
    expect(faultsOf({ NODE_ENV: "production", JWT_SECRET_KEY: SECRET })).toHaveLength(6);
  });

  it("share key and deadline unless they have their own", () => {
    const own = { HEALTH_TIMEOUT_MS: "9000", HEALTH_API_KEY: "h", ALERT_API_KEY_FILE: file("key", "from file\n") };
    const { services } = readConfig({ ...PRODUCTION, ...own, UPSTREAM_API_KEY: "all", UPSTREAM_TIMEOUT_MS: "500" });
    expect(services.health).toEqual({ baseUrls: ["http://health:8002"], apiKey: "h", timeoutMs: 9000 });
    expect(services.alert).toMatchObject({ apiKey: "from file", timeoutMs: 500 });
    expect(services.agent.apiKey).toBe("all");
  });

  it.each(["soon", "5", "999999999999"])("have no deadline of %s milliseconds", (value) => {
    expect(faultsOf({ ...PRODUCTION, HEALTH_TIMEOUT_MS: value })).toEqual([
      expect.stringMatching(/^HEALTH_TIMEOUT_MS: /),
    ]);
  });

  it.each(["localhost:8001", "ftp://host", "/relative"])("are not at %s", (url) => {
    expect(faultsOf({ ...PRODUCTION, HEALTH_SERVICE_URL: url })).toEqual([
      expect.stringMatching(/^HEALTH_SERVICE_URL: /),
    ]);
  });
});

describe("bulk forms", () => {
  it.each([
    [undefined, { health: "auto", scheduling: "auto", warranty: "auto" }],
    ["off", { health: "off", scheduling: "off", warranty: "off" }],
    ["health=on, scheduling=off", { health: "on", scheduling: "off", warranty: "auto" }],
  ])("are set by %j", (value, expected) => {
    expect(readConfig(value === undefined ? {} : { UPSTREAM_BULK: value }).UPSTREAM_BULK).toEqual(expected);
  });

  it.each(["maybe", "health=maybe", "alert=on", "constructor=on", "health"])("are not set by %s", (value) => {
    expect(faultsOf({ UPSTREAM_BULK: value })).toEqual([
      expect.stringMatching(/^UPSTREAM_BULK: expected auto, on, off or pairs/),
    ]);
  });
});

describe("breakdown costs", () => {
  it("are amounts per component", () => {
    expect(readConfig({}).BREAKDOWN_COSTS.size).toBe(0);
    const costs = readConfig({ BREAKDOWN_COSTS: "engine=5000, brakes = 1999.50,battery=0," }).BREAKDOWN_COSTS;
    expect([...costs]).toEqual([
      ["engine", 5000],
      ["brakes", 1999.5],
      ["battery", 0],
    ]);
  });

  it.each(["engine", "engine=", "=5", "engine=-1", "engine=much", "engine=Infinity"])("are not %s", (value) => {
    expect(faultsOf({ BREAKDOWN_COSTS: value })).toEqual([
      expect.stringMatching(/^BREAKDOWN_COSTS: expected component=amount pairs/),
    ]);
  });
});
