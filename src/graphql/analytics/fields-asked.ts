import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";

/** Names of the fields that a query wants at the end of a path below the field being resolved. */
export function fieldsAsked(info: GraphQLResolveInfo, ...path: readonly string[]): ReadonlySet<string> {
  let sets = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  for (const below of path) {
    sets = namesIn(sets, info).flatMap(({ name, set }) => (name === below && set ? [set] : []));
  }
  return new Set(namesIn(sets, info).map(({ name }) => name));
}

function namesIn(
  sets: readonly SelectionSetNode[],
  info: GraphQLResolveInfo,
): { name: string; set: SelectionSetNode | undefined }[] {
  return sets.flatMap(({ selections }) =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [{ name: selection.name.value, set: selection.selectionSet }];
      const set =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection.selectionSet
          : info.fragments[selection.name.value]?.selectionSet;
      return set ? namesIn([set], info) : [];
    }),
  );
}
