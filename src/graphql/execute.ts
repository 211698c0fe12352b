import { type DocumentNode, type ExecutionResult, execute, type GraphQLSchema } from "graphql";
import type { Logger } from "../ops/logs.js";
import type { Context } from "./context.js";
import { presentable } from "./errors.js";

/** A parsed and validated operation. */
export interface Operation {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export type Execute = (operation: Operation, context: Context) => Promise<ExecutionResult<Record<string, unknown>>>;

/** The one way to run an operation: what `/graphql` receives and what REST endpoints have stored both end here. */
export function createExecute(schema: GraphQLSchema, log: Logger): Execute {
  return async ({ document, operationName, variables }, context) => {
    const result = await execute({
      schema,
      document,
      contextValue: context,
      operationName: operationName ?? null,
      variableValues: variables ?? null,
    });
    if (!result.errors) return result;
    context.made.failed = true;
    return { ...result, errors: result.errors.map((error) => presentable(error, log)) };
  };
}
