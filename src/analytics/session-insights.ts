import type { Granularity } from "../base/calendar.js";
import { DAY, MINUTE, SECOND } from "../base/clock.js";
import { percent, round } from "../base/numbers.js";
import { selectionOf } from "../domain/insights/asking.js";
import { dimensionNamed, stepOf } from "../domain/insights/filters.js";
import type { LocalRange } from "../domain/insights/range.js";
import type { Asker } from "./analytics.js";
import { between, opened, type Ranged } from "./asked.js";

export interface SessionsAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly granularity?: Granularity | null | undefined;
  readonly gapSeconds?: number | null | undefined;
}

/** Sessions of a period, or of the range as a whole. */
export interface SessionFigures {
  readonly bucket: number | null;
  readonly sessions: number;
  readonly users: number;
  readonly events: number;
  /** Sessions of a single event for each hundred. */
  readonly bounceRate: number | null;
  /** From the first event to the last, seconds. */
  readonly averageDurationSeconds: number | null;
  readonly eventsPerSession: number | null;
}

const DEFAULT_GAP = 30 * MINUTE;
const gapOf = (seconds: number | null | undefined): number =>
  between(seconds, DEFAULT_GAP / SECOND, 1, DAY / SECOND, "gapSeconds") * SECOND;

export async function askSessions(
  asker: Asker,
  ask: SessionsAsk,
): Promise<{ range: LocalRange; total: SessionFigures; periods: SessionFigures[] }> {
  const { range, where } = opened(ask, asker);
  const selection = selectionOf(asker.asking, range, stepOf(ask).types, where);
  const plan = { kind: "sessions", selection, gapMs: gapOf(ask.gapSeconds) } as const;
  const figuresOf = async (bucket: Granularity | null): Promise<SessionFigures[]> => {
    const { rows } = await asker.answer({ ...plan, bucket });
    return rows.map((row) => {
      const [sessions, users, events, bounces, duration] = ["sessions", "users", "events", "bounces", "duration"].map(
        (name) => asker.raisedCount(Number(row[name])),
      );
      return {
        bucket: bucket ? Number(row.bucket) : null,
        sessions: sessions ?? 0,
        users: users ?? 0,
        events: events ?? 0,
        bounceRate: percent(bounces ?? 0, sessions ?? 0),
        averageDurationSeconds: sessions ? round((duration ?? 0) / sessions / SECOND, 2) : null,
        eventsPerSession: sessions ? round((events ?? 0) / sessions, 2) : null,
      };
    });
  };
  const [total] = await figuresOf(null);
  return { range, total: total as SessionFigures, periods: ask.granularity ? await figuresOf(ask.granularity) : [] };
}

export interface PathsAsk extends Ranged {
  readonly types?: readonly string[] | null | undefined;
  readonly node?: string | null | undefined;
  readonly gapSeconds?: number | null | undefined;
  readonly steps?: number | null | undefined;
  readonly limit?: number | null | undefined;
}

/** How many sessions went from one thing to the next, as their nth step. */
export interface PathLink {
  readonly step: number;
  readonly source: string | null;
  readonly target: string | null;
  /** The session ended there. */
  readonly isEnd: boolean;
  readonly sessions: number;
}

export async function askPaths(asker: Asker, ask: PathsAsk): Promise<{ range: LocalRange; links: PathLink[] }> {
  const { range, where } = opened(ask, asker);
  const dimension = dimensionNamed(ask.node ?? "type", null, "node");
  const { rows } = await asker.answer({
    kind: "paths",
    selection: selectionOf(asker.asking, range, stepOf(ask).types, where),
    gapMs: gapOf(ask.gapSeconds),
    node: dimension.field,
    steps: between(ask.steps, 5, 1, 50, "steps"),
    limit: between(ask.limit, 100, 1, 10_000, "limit"),
  });
  const shown = (value: unknown): string | null =>
    dimension.personal ? asker.masked(value as string | null) : (value as string | null);
  return {
    range,
    links: rows.map(({ step, source, target, ended, sessions }) => ({
      step: Number(step),
      source: shown(source),
      target: shown(target),
      isEnd: ended === 1,
      sessions: asker.raisedCount(Number(sessions)),
    })),
  };
}
