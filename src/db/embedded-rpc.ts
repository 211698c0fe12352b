/** What is asked of the thread that runs the embedded Postgres. `tx`: within that transaction. */
export type Request = { readonly id: number } & (
  | {
      readonly call: "query";
      readonly tx: number | null;
      readonly sql: string;
      readonly values: unknown[];
      /** Types, by their number in Postgres, whose values are to come back as the text that they are. */
      readonly asText: readonly number[];
    }
  | { readonly call: "exec"; readonly tx: number | null; readonly sql: string }
  /** Answered once it has begun, under the number given. */
  | { readonly call: "begin"; readonly tx: number }
  /** Answered once it is over. */
  | { readonly call: "end"; readonly tx: number; readonly commit: boolean }
  | { readonly call: "close" }
);

export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: Failure });

/** An error, and what Postgres told of it: null where it was not Postgres. */
export interface Failure {
  readonly message: string;
  readonly postgres: Readonly<Record<string, unknown>> | null;
}

export interface QueryResult {
  readonly rows: unknown[][];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly affectedRows?: number;
}
