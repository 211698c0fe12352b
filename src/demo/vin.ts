/** Vehicle identification numbers after ISO 3779, with the North American check digit in the ninth place. */

/** Letters and digits of a VIN: I, O and Q are left out because they look like 1 and 0. */
export const VIN_ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
/** Codes of the tenth place: a cycle of 30 years that starts at 1980 (2010, 2040 …). */
const YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789";
const WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const VALUES = new Map(
  [..."0123456789ABCDEFGHJKLMNPRSTUVWXYZ"].map((symbol, i) => [symbol, Number("012345678912345678123457923456789"[i])]),
);

/** The check digit (0-9 or X) that belongs into the ninth place of a 17-character VIN. */
export function checkDigit(vin: string): string {
  const sum = WEIGHTS.reduce((total, weight, place) => total + weight * (VALUES.get(vin.charAt(place)) ?? 0), 0);
  return sum % 11 === 10 ? "X" : String(sum % 11);
}

/** Builds a VIN from a maker code (3 characters), a descriptor (5 characters), a model year and a serial number. */
export function makeVin(maker: string, descriptor: string, modelYear: number, serial: number): string {
  const year = YEAR_CODES.charAt((modelYear - 1980) % YEAR_CODES.length);
  const tail = `${year}${VIN_ALPHABET.charAt(serial % 23)}${String(serial).padStart(6, "0")}`;
  return `${maker}${descriptor}${checkDigit(`${maker}${descriptor}0${tail}`)}${tail}`;
}
