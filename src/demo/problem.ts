/** An answer other than success: the HTTP status and the text of the `detail` field. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export const notFound = (what: string): Problem => new Problem(404, `${what} not found`);
export const conflict = (detail: string): Problem => new Problem(409, detail);
export const invalid = (detail: string): Problem => new Problem(422, detail);
