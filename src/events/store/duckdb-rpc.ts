import type { Appended, Outdated, Query } from "./store.js";

/** What the thread that owns the file can be asked for. */
export interface DuckDbCalls {
  append(segments: readonly string[]): Promise<Appended>;
  /** `seal`: statements that are run first, in the same transaction. */
  deleteOutdated(outdated: Outdated, seal: readonly Query[]): Promise<number>;
  eraseUser(tenant: string, user: string): Promise<number>;
  tenantViews(tenant: string): Promise<string>;
  /** Writes the rows of a SELECT into a new file, as NDJSON. */
  copy(read: ReadRequest, path: string): Promise<void>;
  close(): Promise<void>;
}

export type CallName = keyof DuckDbCalls;

export interface ReadRequest extends Query {
  /** Looks at much and computes: worth all of the machine while it runs. */
  readonly analytic?: boolean;
}

export type Request =
  | { readonly id: number; readonly call: CallName; readonly values: readonly unknown[] }
  | { readonly id: number; readonly read: ReadRequest };

/** Rows travel by column, a chunk at a time: neither side is held up by one large message. */
export type Reply =
  | { readonly id: number; readonly names: readonly string[]; readonly columns: readonly (readonly unknown[])[] }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly unavailable: boolean; readonly message: string } };

export interface DuckDbSettings {
  readonly folder: string;
  /** Bytes, as DuckDB writes them: `512MB`. */
  readonly memoryLimit: string;
  readonly threads: number;
  /** As many while a plan is answered. */
  readonly analyticThreads: number;
  /** Connections that read at the same time. */
  readonly readers: number;
  /** Rows of one result: more is an error. */
  readonly maxRows: number;
}
