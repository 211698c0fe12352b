import { parseArgs } from "node:util";
import type { DeadLetterFilter, StoredDeadLetter } from "./db/index.js";
import type { Operator } from "./operator.js";
import { UsageError } from "./usage.js";

const HELP = `crowsnest dead-letters <command> [filter]

  list [--limit N] [--json]   the newest first, waiting ones unless --state replayed
  show ID                     one with everything that is known, and the message as it came
  replay                      tries waiting ones again, for example after a schema was mended
  purge --yes                 deletes for good

  Filters, all of which must hold:
  --id ID                     may be given several times
  --kind KIND                 json_decode, missing_event_type, unknown_event_type, validation, insert_failed
  --type NAME                 type of the event
  --origin TEXT               what the origin begins with, for example kafka:openride.events.user/
  --from, --to TIME           last tried in this time, ISO 8601`;

const OPTIONS = {
  id: { type: "string", multiple: true },
  kind: { type: "string" },
  type: { type: "string" },
  origin: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  state: { type: "string" },
  limit: { type: "string", default: "50" },
  json: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** `crowsnest dead-letters …`. @returns exit code */
export async function deadLettersCommand(operator: Operator, args: string[]): Promise<number> {
  const { values, positionals } = parsed(args);
  const [command, id] = positionals;
  if (values.help || command === undefined) {
    console.log(HELP);
    return 0;
  }
  const filter = filterOf(values);
  switch (command) {
    case "list": {
      const { items, total } = await operator.deadLetters({
        filter: { state: "waiting", ...filter },
        limit: Number(values.limit),
      });
      if (values.json) console.log(JSON.stringify(items));
      else console.log(table(items, total));
      return 0;
    }
    case "show": {
      const letter = id === undefined ? null : await operator.deadLetter(id);
      if (!letter)
        throw new UsageError(
          id === undefined ? "which one? crowsnest dead-letters show ID" : `there is no dead letter ${id}`,
        );
      console.log(JSON.stringify({ ...letter, text: Buffer.from(letter.raw, "base64").toString("utf8") }, null, 2));
      return 0;
    }
    case "replay": {
      const { replayed, failed } = await operator.replayDeadLetters(filter);
      console.log(`${replayed} taken in, ${failed} failed again`);
      return failed > 0 ? 1 : 0;
    }
    case "purge": {
      if (!values.yes) throw new UsageError("purge deletes for good: say --yes");
      console.log(`${await operator.purgeDeadLetters(filter)} deleted`);
      return 0;
    }
    default:
      throw new UsageError(`unknown command: dead-letters ${command}\n\n${HELP}`);
  }
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function filterOf(values: ReturnType<typeof parsed>["values"]): DeadLetterFilter {
  const { id, kind, type, origin, from, to, state } = values;
  if (state !== undefined && state !== "waiting" && state !== "replayed") {
    throw new UsageError(`--state: expected waiting or replayed, got ${state}`);
  }
  return {
    ids: id,
    kind,
    eventType: type,
    origin,
    from: instant("--from", from),
    to: instant("--to", to),
    ...(state && { state }),
  };
}

function instant(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`${name}: expected a time such as 2026-01-31T12:00:00Z, got ${text}`);
  return time;
}

function table(items: readonly StoredDeadLetter[], total: number): string {
  if (items.length === 0) return "No dead letters.";
  const rows = items.map(({ id, failedAt, kind, eventType, origin, attempts, error }) =>
    [id, new Date(failedAt).toISOString(), kind, eventType ?? "-", origin, `${attempts}×`, error].join("  "),
  );
  return [...rows, "", `${items.length} of ${total}. One in full: crowsnest dead-letters show ID`].join("\n");
}
