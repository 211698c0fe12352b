import { type DocumentNode, type ExecutionResult, execute, type GraphQLError, type GraphQLSchema } from "graphql";
import type { Logger } from "../ops/logs.js";
import { CompiledOperations } from "./compiled.js";
import type { Context } from "./context.js";
import { presentable } from "./errors.js";

/** A parsed and validated operation. */
export interface Operation {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

type Result = ExecutionResult<Record<string, unknown>>;
export type Execute = (operation: Operation, context: Context) => Promise<Result>;

/** The one way to run an operation: what `/graphql` receives and what REST endpoints have stored both end here. */
export function createExecute(schema: GraphQLSchema, log: Logger): Execute {
  const operations = new CompiledOperations(schema);
  const interpret = ({ document, operationName, variables }: Operation, context: Context) =>
    execute({
      schema,
      document,
      contextValue: context,
      operationName: operationName ?? null,
      variableValues: variables ?? null,
    });
  return async (operation, context) => {
    const compiled = operations.find(operation.document, operation.operationName);
    let result = (await compiled?.query(undefined, context, { ...operation.variables })) as Result | undefined;
    // What could not even begin (variables that do not fit) is told in the interpreter's words.
    if (!result?.data && !result?.errors?.some(({ path }) => path)) {
      result = (await interpret(operation, context)) as Result;
    }
    if (!result.errors) return result;
    context.made.failed = true;
    return { ...result, errors: result.errors.map((error) => presentable(error as GraphQLError, log)) };
  };
}
