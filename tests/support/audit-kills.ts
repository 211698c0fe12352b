import { setTimeout as sleep } from "node:timers/promises";
import { tokenFor } from "./gateway.js";
import { ended, startProcess } from "./processes.js";

export interface KillOutcome {
  /** Requests that were answered, by the mark that their entry must show. */
  readonly answered: readonly string[];
  /** Marks in the trail, of answered requests and others. */
  readonly written: readonly string[];
  /** Numbers of all entries, in order. */
  readonly sequence: readonly number[];
}

const CLIENTS = 8;

/**
 * Asks without pause, over REST and GraphQL, kills the gateway with -9 at random moments and starts it again on the same
 * folder, and finally reads the trail.
 */
export async function killUnderReads(
  values: Record<string, string>,
  kills: number,
  random: () => number,
): Promise<KillOutcome> {
  const answered: string[] = [];
  for (let round = 0; round < kills; round++) {
    const gateway = await startProcess({ ...values, SWEEP: "off", LOG_LEVEL: "silent" });
    let alive = true;
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let n = 0; alive; n++) {
        const mark = `mark_${round}_${client}_${n}`;
        try {
          if ((await ask(gateway.base, mark, n % 4)).length > 0) answered.push(mark);
        } catch {
          // Killed before it was answered: there may be an entry or not.
        }
      }
    });
    const before = answered.length;
    while (answered.length < before + 10) await sleep(10);
    await sleep(random() * 1200);
    gateway.child.kill("SIGKILL");
    await ended(gateway.child);
    alive = false;
    await Promise.all(clients);
  }
  const gateway = await startProcess({ ...values, SWEEP: "off", LOG_LEVEL: "silent" });
  try {
    return { answered, ...(await readTrail(gateway.base)) };
  } finally {
    gateway.child.kill("SIGTERM");
    await ended(gateway.child);
  }
}

const headers = { authorization: `Bearer ${tokenFor("ADMIN")}`, "content-type": "application/json" };

/** Requests of several kinds, each with its mark in the path or in the name of the operation. */
async function ask(base: string, mark: string, kind: number): Promise<string> {
  if (kind === 0) {
    const body = JSON.stringify({ query: `query ${mark} { me { id } }` });
    return (await fetch(`${base}/graphql`, { method: "POST", headers, body })).text();
  }
  const path = [`/api/v1/users/${mark}/permissions`, `/api/v1/nowhere/${mark}`, `/api/v1/audit/user-activity/${mark}`][
    kind - 1
  ];
  // The last of them without a token: refusals leave entries as well.
  return (await fetch(base + path, kind === 3 ? {} : { headers })).text();
}

async function readTrail(base: string): Promise<Pick<KillOutcome, "written" | "sequence">> {
  const written: string[] = [];
  const sequence: number[] = [];
  // Reading leaves entries as well, which would move the pages.
  const now = new Date().toISOString();
  for (let offset = 0; ; offset += 1000) {
    const query = `{ auditLog(limit: 1000, offset: ${offset}, filter: { to: "${now}" }) { items { sequence resource details } } }`;
    const response = await fetch(`${base}/graphql`, { method: "POST", headers, body: JSON.stringify({ query }) });
    const { items } = ((await response.json()) as { data: { auditLog: { items: Item[] } } }).data.auditLog;
    for (const { sequence: number, resource, details } of items) {
      sequence.unshift(number);
      const mark = /mark_\d+_\d+_\d+/.exec(`${resource} ${details.name ?? ""}`)?.[0];
      if (mark) written.push(mark);
    }
    if (items.length < 1000) return { written, sequence };
  }
}

interface Item {
  readonly sequence: number;
  readonly resource: string;
  readonly details: { readonly name?: string };
}
