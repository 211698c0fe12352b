/** After such an error DuckDB refuses everything: the file must be opened again. */
export function isFatal(error: unknown): boolean {
  return /^(FATAL|INTERNAL) Error|database has been invalidated/.test(textOf(error));
}

/** No room in memory or on disk, the file locked or unreadable, or the query cut off by closing. */
export function isUnavailable(error: unknown): boolean {
  const text = textOf(error);
  return isFatal(error) || /^(IO Error: (?!No files found)|Out of Memory Error|INTERRUPT Error)/.test(text);
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
