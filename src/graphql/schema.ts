import { readdirSync, readFileSync } from "node:fs";
import { makeExecutableSchema } from "@graphql-tools/schema";
import { MapperKind, mapSchema } from "@graphql-tools/utils";
import { defaultFieldResolver, type GraphQLFieldConfig, type GraphQLFieldResolver, type GraphQLSchema } from "graphql";
import { PublicError } from "../base/errors.js";
import { MASKS, type MaskName } from "../domain/access/masks.js";
import { ACCESS_RULES, isOpenToAll, type Rule, refusal } from "../domain/access/rules.js";
import { managementResolvers } from "./access/management.resolvers.js";
import { accessResolvers } from "./access/resolvers.js";
import { insightResolvers } from "./analytics/insights.resolvers.js";
import { metricResolvers } from "./analytics/metrics.resolvers.js";
import { areaResolvers } from "./areas/areas.resolvers.js";
import { auditResolvers } from "./audit/resolvers.js";
import { chartResolvers } from "./charts/chart.resolvers.js";
import type { Context } from "./context.js";
import { deadLetterResolvers } from "./events/dead-letter.resolvers.js";
import { eventResolvers } from "./events/resolvers.js";
import { aggregateResolvers } from "./fleet/aggregate.resolvers.js";
import { recordResolvers } from "./fleet/records.resolvers.js";
import { vehicleResolvers } from "./fleet/vehicle.resolvers.js";
import { scalars } from "./scalars.js";

const FOLDER = new URL("./", import.meta.url);

/** The public schema: all modules together, each field behind its access rule. */
export function createSchema(): GraphQLSchema {
  const schema = makeExecutableSchema<Context>({
    typeDefs: readTypeDefs(),
    resolvers: [
      ...[
        scalars,
        accessResolvers,
        managementResolvers,
        auditResolvers,
        aggregateResolvers,
        recordResolvers,
        vehicleResolvers,
      ],
      ...[eventResolvers, deadLetterResolvers, metricResolvers, insightResolvers, areaResolvers, chartResolvers],
    ],
    inheritResolversFromInterfaces: true,
  });
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (field, fieldName, typeName) =>
      guard(field as GraphQLFieldConfig<unknown, Context>, typeName, ACCESS_RULES[typeName]?.[fieldName]),
  });
}

/** A copy without resolvers: Apollo Server wraps those of the schema that it is given, of every field, whether or not anybody looks. */
export function schemaForValidation(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: ({ resolve: _, subscribe: __, ...field }: GraphQLFieldConfig<unknown, unknown>) => field,
  });
}

function guard(
  field: GraphQLFieldConfig<unknown, Context>,
  typeName: string,
  rule: Rule | undefined,
): GraphQLFieldConfig<unknown, Context> {
  const { resolve = defaultFieldResolver, subscribe } = field;
  // Who may not subscribe is told so before anything has happened; what comes then was asked for by who may.
  if (subscribe) return { ...field, subscribe: guarded(subscribe, rule) };
  const isRoot = typeName === "Query" || typeName === "Mutation";
  // Below the root only the signed in arrive, so what is open to all roles needs no question per object.
  if (rule?.public || (!isRoot && isOpenToAll(rule))) return field;
  return { ...field, resolve: guarded(resolve, rule) };
}

type Resolver = GraphQLFieldResolver<unknown, Context>;

function guarded(resolve: Resolver, rule: Rule | undefined): Resolver {
  return (source, args: Record<string, unknown>, context, info) => {
    const refused = refusal(rule, context.principal, args);
    if (refused === null) {
      const value = resolve(source, args, context, info);
      return isMasked(rule, context) ? masked(rule.mask.as, value) : value;
    }
    throw new PublicError(
      refused,
      refused === "FORBIDDEN"
        ? `Role ${context.principal?.role} may not read ${info.parentType.name}.${info.fieldName}`
        : "Not signed in: send Authorization: Bearer <token>",
    );
  };
}

type Masking = Rule & Required<Pick<Rule, "mask">>;

function isMasked(rule: Rule | undefined, { principal }: Context): rule is Masking {
  return rule?.mask !== undefined && !(principal && rule.mask.clear.includes(principal.role));
}

async function masked(name: MaskName, value: unknown): Promise<unknown> {
  const clear = await value;
  return typeof clear === "string" ? MASKS[name](clear) : clear;
}

function readTypeDefs(): string[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".graphql"));
  return files.sort().map((name) => readFileSync(new URL(name, FOLDER), "utf8"));
}
