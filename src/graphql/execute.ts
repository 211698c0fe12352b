import { type ExecutionResult, execute, type GraphQLSchema, subscribe } from "graphql";
import type { Logger } from "../ops/logs.js";
import { CompiledOperations, type Operation } from "./compiled.js";
import type { Context } from "./context.js";
import { presentable } from "./errors.js";
import { RecordTexts } from "./record-texts.js";
import { Rendering } from "./text-operations.js";

export type Result = ExecutionResult<Record<string, unknown>>;

/** Of a subscription. `return` ends it at once, whatever it waits for. */
export interface Results extends AsyncIterable<Result> {
  next(): Promise<IteratorResult<Result>>;
  return(): Promise<IteratorResult<Result>>;
}

/** The one way to run an operation: what `/graphql` receives and what REST endpoints have stored both end here. */
export interface Execute {
  (operation: Operation, context: Context): Promise<Result>;
  /**
   * Of a query that has come before: what puts the answer together, from records' JSON that was made before, at the moment
   * it is sent. Null: it has to be executed as any other, because it cannot be compiled or something failed.
   */
  text(operation: Operation, context: Context): Promise<(() => Buffer) | null>;
  /** Of a subscription, never compiled: one result for each thing that happens, or the errors that let none begin. */
  subscribe(operation: Operation, context: Context): Promise<Results | Result>;
}

/** Of all records' JSON that is kept. */
const RECORD_BYTES = 32 * 1024 * 1024;

export function createExecute(schema: GraphQLSchema, log: Logger): Execute {
  const operations = new CompiledOperations(schema);
  const records = new RecordTexts(RECORD_BYTES);
  const argsOf = ({ document, operationName, variables }: Operation, context: Context) => ({
    ...{ schema, document, contextValue: context },
    operationName: operationName ?? null,
    variableValues: variables ?? null,
  });
  const told = (result: Result): Result =>
    result.errors ? { ...result, errors: result.errors.map((error) => presentable(error, log)) } : result;
  const run = async (operation: Operation, context: Context): Promise<Result> => {
    const compiled = operations.find(operation);
    let result = (await compiled?.query(undefined, context, { ...operation.variables })) as Result | undefined;
    // What could not even begin (variables that do not fit) is told in the interpreter's words.
    if (!result?.data && !result?.errors?.some(({ path }) => path)) {
      result = (await execute(argsOf(operation, context))) as Result;
    }
    const extensions = standIns(context);
    if (result.errors) context.made.failed = true;
    return told(extensions ? { ...result, extensions } : result);
  };
  const text = async (operation: Operation, context: Context): Promise<(() => Buffer) | null> => {
    const found = operations.findText(operation);
    if (!found) return null;
    const rendering = new Rendering(found.shapes, records);
    context.made.rendering = rendering;
    const result = (await found.query.query(undefined, context, { ...operation.variables })) as Result;
    if (!result.data || result.errors) return null;
    const json = JSON.stringify({ data: result.data, extensions: standIns(context) });
    return () => rendering.fill(json);
  };
  const begin = async (operation: Operation, context: Context): Promise<Results | Result> => {
    const begun = await subscribe(argsOf(operation, context));
    return Symbol.asyncIterator in begun ? mapped(begun as Results, told) : told(begun as Result);
  };
  return Object.assign(run, { text, subscribe: begin });
}

/** Not a generator: one that waits for its source's next value cannot be ended. */
function mapped(source: Results, by: (result: Result) => Result): Results {
  return {
    next: async () => {
      const next = await source.next();
      return next.done ? next : { done: false, value: by(next.value) };
    },
    return: () => source.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Told beside the data, for fields that have no warnings of their own: older data stands in for what could not be had. */
function standIns({ made }: Context): Record<string, unknown> | undefined {
  const ledger = made.viewer?.ledger;
  return ledger?.hasStandIns ? { stale: true, warnings: ledger.warnings } : undefined;
}
