/** A numbered step of a store's schema. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * The steps that a store still lacks.
 * @throws when the store has a step that this program does not know: it was written by a newer one
 */
export function pending(migrations: readonly Migration[], applied: readonly number[], store: string): Migration[] {
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  const unknown = applied.find((version) => version > newest);
  if (unknown !== undefined) {
    throw new Error(
      `${store} has schema version ${unknown}, this program knows versions up to ${newest}: it was written by a newer version. Start that one, or restore a backup from before the update`,
    );
  }
  return migrations.filter(({ version }) => !applied.includes(version));
}
