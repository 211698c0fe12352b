import { once } from "node:events";
import { Readable } from "node:stream";
import { stringify } from "csv-stringify/sync";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DAY } from "../base/clock.js";
import { PublicError } from "../base/errors.js";
import { ACCESS_RULES, type Rule, refusal } from "../domain/access/rules.js";
import type { Principal } from "../domain/access/scope.js";
import type { Services } from "../graphql/index.js";
import { metricsTable, TABLE_PARAMETERS, tablePages } from "./table-download.js";

type Row = Readonly<Record<string, unknown>>;
type Query = Readonly<Record<string, string | undefined>>;

/** Something that may be too long to be held in memory: read page by page, as fast as the client takes it. */
export interface Download {
  readonly path: string;
  readonly summary: string;
  /** Name of the request in the audit trail. */
  readonly action: string;
  /** Who may have it: the rule of the field that tells the same. */
  readonly rule: Rule | undefined;
  /** Name of the file, without an ending. Never of a user's making. */
  readonly filename: string;
  readonly formats: readonly Format[];
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of the columns, where they are known before the first row. */
  columns?(services: Services, principal: Principal, parameters: Query): Promise<readonly string[]>;
  pages(services: Services, principal: Principal, parameters: Query): AsyncIterable<readonly Row[]>;
}

const TYPES = { ndjson: "application/x-ndjson; charset=utf-8", csv: "text/csv; charset=utf-8" } as const;
type Format = keyof typeof TYPES;

export const DOWNLOADS: readonly Download[] = [
  {
    path: "/api/v1/audit/export",
    summary: "The audit trail, oldest first, with its hashes",
    action: "audit.export",
    rule: ACCESS_RULES.Query?.auditLog,
    filename: "audit",
    formats: ["ndjson", "csv"],
    parameters: {
      user_id: "Of this user.",
      action: "Of this action.",
      resource: "On this resource, exactly.",
      event_type: "Caused by this type of domain event.",
      source: "`user` or `event`.",
      from: "Not before.",
      to: "Before; a day is included whole.",
    },
    pages: auditPages,
  },
  {
    path: "/api/v1/users/{id}/export",
    summary: "Everything that is kept about a person, for that person",
    action: "subject.export",
    rule: { ...ACCESS_RULES.Query?.erasure, roles: ["ADMIN"], self: "id" },
    filename: "personal-data",
    formats: ["ndjson"],
    parameters: {},
    pages: personalPages,
  },
  {
    path: "/api/v1/metrics/table",
    summary: "Metrics as a flat table of any length, for spreadsheets and BI tools",
    action: "metrics.export",
    rule: ACCESS_RULES.Query?.metricTable,
    filename: "metrics",
    formats: ["csv", "ndjson"],
    parameters: TABLE_PARAMETERS,
    columns: async (services, principal, query) => {
      const { columns } = await metricsTable(services, principal, query);
      return columns.map(({ id }) => id);
    },
    pages: tablePages,
  },
];

export function registerDownloads(server: FastifyInstance, services: Services): void {
  for (const download of DOWNLOADS) {
    const config = { operation: `GET ${download.path}`, audit: download.action };
    server.get(download.path.replaceAll(/\{(\w+)\}/g, ":$1"), { config }, async (request, reply) => {
      const principal = admitted(request, download);
      const query = { ...(request.query as Query), ...(request.params as Query) };
      const format = (query.format ?? download.formats[0]) as Format;
      if (!download.formats.includes(format)) {
        throw new PublicError("BAD_USER_INPUT", `format must be one of ${download.formats.join(", ")}`, {
          field: "format",
        });
      }
      request.told = { details: { format, ...(request.params as Query) } };
      const columns = await download.columns?.(services, principal, query);
      const pages = download.pages(services, principal, query);
      const body = Readable.from(format === "csv" ? sheets(pages, columns) : lines(pages), {
        highWaterMark: PAGES_AHEAD,
      });
      // The first page before the status: what cannot be read at all is an error and no empty file.
      await once(body, "readable");
      return reply
        .header("content-type", TYPES[format])
        .header("content-disposition", `attachment; filename="${download.filename}.${format}"`)
        .send(body);
    });
  }
}

function admitted(request: FastifyRequest, { rule }: Download): Principal {
  const { principal } = request;
  const refused = refusal(rule, principal, request.params as Record<string, unknown>);
  if (refused === "UNAUTHENTICATED" || !principal) {
    throw new PublicError("UNAUTHENTICATED", "Not signed in: send Authorization: Bearer <token>");
  }
  if (refused) throw new PublicError(refused, `Role ${principal.role} may not download this`);
  return principal;
}

/** Read before the client has taken what is there already: no more, whatever the length of it all. */
const PAGES_AHEAD = 1;

async function* lines(pages: AsyncIterable<readonly Row[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** CSV with the names of the columns above, which are those of the first row where they are not given. */
async function* sheets(pages: AsyncIterable<readonly Row[]>, given?: readonly string[]): AsyncGenerator<string> {
  let columns = given;
  let isFirst = true;
  for await (const page of pages) {
    columns ??= Object.keys(page[0] ?? {});
    yield sheet(page, columns, isFirst);
    isFirst = false;
  }
  if (isFirst && columns) yield sheet([], columns, true);
}

function sheet(rows: readonly Row[], columns: readonly string[], header: boolean): string {
  return stringify([...rows], {
    columns: [...columns],
    header,
    bom: header,
    // A text that begins like a formula must not become one in a spreadsheet.
    escape_formulas: true,
    cast: { object: (value) => JSON.stringify(value) },
  });
}

async function* auditPages(
  services: Services,
  { tenantId }: Pick<Principal, "tenantId">,
  query: Query,
): AsyncGenerator<Row[]> {
  const { user_id: userId, action, resource, event_type: eventType, source, from, to } = query;
  if (source !== undefined && source !== "user" && source !== "event") {
    throw new PublicError("BAD_USER_INPUT", 'source must be "user" or "event"', { field: "source" });
  }
  const range = { from: moment(from, "from"), to: moment(to, "to", true) };
  await services.audit.flush();
  const wanted = { userId, action, resource, eventType, source, ...range } as const;
  for await (const page of services.audit.entries.pages(tenantId, wanted)) {
    yield page.map(({ timestamp, seq, prevHash, hash, ...entry }) => ({
      sequence: Number(seq),
      timestamp: timestamp.toISOString(),
      id: entry.id,
      user_id: entry.userId,
      role: entry.role,
      action: entry.action,
      resource: entry.resource,
      method: entry.method,
      status: entry.status,
      ip: entry.ip,
      user_agent: entry.userAgent,
      details: entry.details,
      source: entry.source,
      event_type: entry.eventType,
      event_id: entry.eventId,
      prev_hash: prevHash && Buffer.from(prevHash).toString("hex"),
      hash: hash && Buffer.from(hash).toString("hex"),
    }));
  }
}

async function* personalPages(services: Services, { tenantId }: Principal, { id = "" }: Query): AsyncGenerator<Row[]> {
  const member = await services.members.find(tenantId, id);
  if (member) {
    const { passwordHash: _, ...account } = member.user;
    const { role, vehicleIds, fleetIds, changedAt } = member;
    yield [
      { kind: "account", ...account },
      { kind: "membership", role: role.name, vehicleIds, fleetIds, changedAt },
    ];
    yield ofKind("session", await services.accounts.sessions({ tenantId, userId: id }));
    yield ofKind("api key", await services.apiKeyAdmin.ofUser(tenantId, id));
  }
  await services.events.stored();
  for (let after: { time: number; id: string } | undefined; ; ) {
    const page = await services.events.store.events({ tenant: tenantId, user: id }, EVENTS_AT_ONCE, after);
    yield page.map(({ properties, ...event }) => ({
      kind: "event",
      ...event,
      properties: JSON.parse(properties) as unknown,
    }));
    const last = page.at(-1);
    if (!last || page.length < EVENTS_AT_ONCE) break;
    after = { time: last.time, id: last.id };
  }
  for await (const page of auditPages(services, { tenantId }, { user_id: id })) yield ofKind("audit entry", page);
}

const ofKind = (kind: string, rows: readonly object[]): Row[] => rows.map((row) => ({ kind, ...row }));

const EVENTS_AT_ONCE = 1000;

function moment(text: string | undefined, field: string, isEnd = false): number | null {
  if (text === undefined || text === "") return null;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new PublicError("BAD_USER_INPUT", `expected a day or a moment, got "${text}"`, { field });
  return isEnd && text.length === 10 ? time + DAY : time;
}
