import { type GraphQLInputType, type GraphQLSchema, getNamedType, isInputObjectType, print } from "graphql";
import { generateRandomQuery } from "ibm-graphql-query-generator";

export interface RandomQuery {
  readonly query: string;
  readonly variables: Record<string, unknown>;
}

/** By the names of scalars; enums are known to the generator. */
const SENSIBLE: Readonly<Record<string, readonly unknown[]>> = {
  ID: ["V001", "V002", "V050"],
  String: ["engine", "fleet_manager", "7d"],
  Int: [1, 3, 20],
  Float: [0.5, 10],
  Boolean: [true, false],
  Date: ["2015-06-01"],
  DateTime: ["2015-06-01T00:00:00Z"],
  DateOrDateTime: ["2015-06-01"],
};
const ODD: typeof SENSIBLE = {
  ID: ["nowhere", "'; DROP TABLE users; --", ""],
  String: ["", "\u0000", "✓ utf-8", "%s%n", "__proto__"],
  Int: [500, 0, -1, 2_147_483_647],
  Float: [0, -1e300],
  Boolean: [true],
  Date: ["2016-02-29", "2015-02-29"],
  DateTime: ["yesterday", "2015-06-30T23:59:60Z"],
  DateOrDateTime: ["2015-13-01", "0001-01-01"],
};

/** A query that the schema allows, the same for the same seed: by IBM's generator, which knows nothing of ours. */
export function randomQuery(schema: GraphQLSchema, seed: number): RandomQuery {
  try {
    return generated(schema, seed);
  } catch (error) {
    // Six seeds of the first ten thousand make the generator stumble over a field without arguments.
    if (!(error instanceof TypeError)) throw error;
    return generated(schema, seed + 1_000_000);
  }
}

function generated(schema: GraphQLSchema, seed: number): RandomQuery {
  let next = seed;
  const provide = (_: unknown, type: GraphQLInputType): unknown => {
    const values = (seed % 3 === 0 ? ODD : SENSIBLE)[getNamedType(type).name];
    next = (next * 1_103_515_245 + 12_345) % 2_147_483_648;
    return values?.[next % values.length] ?? (isInputObjectType(type) ? {} : undefined);
  };
  const { queryDocument, variableValues } = generateRandomQuery(schema, {
    seed,
    depthProbability: 0.6,
    // At each level: few questions at once, so that not each has one among them that is refused.
    breadthProbability: seed % 5 === 0 ? 0.15 : 0.03,
    maxDepth: 5,
    ignoreOptionalArguments: seed % 2 === 0,
    considerInterfaces: true,
    providePlaceholders: true,
    providerMap: { "*__*__*": provide },
  });
  return { query: print(queryDocument), variables: variableValues };
}
