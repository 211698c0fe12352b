import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";

/** Names of the fields that a query wants of a field below the one being resolved. */
export function fieldsAsked(info: GraphQLResolveInfo, below: string): ReadonlySet<string> {
  const sets = info.fieldNodes.flatMap((node) => (node.selectionSet ? [node.selectionSet] : []));
  const inner = namesIn(sets, info)
    .filter(({ name }) => name === below)
    .flatMap(({ set }) => (set ? [set] : []));
  return new Set(namesIn(inner, info).map(({ name }) => name));
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
