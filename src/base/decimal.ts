/** Places behind the point that are kept: those that stored numbers have. */
const PLACES = 6;
const ONE = 10n ** BigInt(PLACES);

/** A decimal number as whole millionths: sums and differences of money are exact. */
export type Decimal = bigint;

/** Of decimal text; further places are cut off. @throws SyntaxError when it is none */
export function toDecimal(text: string): Decimal {
  const [, sign, whole = "0", fraction = ""] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text.trim()) ?? [];
  if (sign === undefined) throw new SyntaxError(`expected a decimal number, got "${text}"`);
  const value = BigInt(`${whole}${fraction.slice(0, PLACES).padEnd(PLACES, "0")}`);
  return sign === "-" ? -value : value;
}

/** Decimal text, rounded half away from zero to `digits` places. */
export function decimalText(value: Decimal, digits: number): string {
  const unit = 10n ** BigInt(PLACES - digits);
  const magnitude = value < 0n ? -value : value;
  const rounded = ((magnitude + unit / 2n) / unit) * unit;
  const fraction = (rounded % ONE).toString().padStart(PLACES, "0").slice(0, digits);
  const text = `${rounded / ONE}${digits > 0 ? `.${fraction}` : ""}`;
  return value < 0n && rounded > 0n ? `-${text}` : text;
}

export function decimalNumber(value: Decimal): number {
  return Number(value) / Number(ONE);
}
