/** Makes and models in the demo fleets, with the maker's world manufacturer identifier. */

export interface Model {
  readonly make: string;
  readonly model: string;
  readonly maker: string;
}

export const MODELS: readonly Model[] = [
  { make: "Honda", model: "Accord", maker: "1HG" },
  { make: "Honda", model: "CR-V", maker: "7FA" },
  { make: "Toyota", model: "Corolla", maker: "JTD" },
  { make: "Toyota", model: "Hilux", maker: "MR0" },
  { make: "Ford", model: "Transit", maker: "WF0" },
  { make: "Ford", model: "F-150", maker: "1FT" },
  { make: "Volkswagen", model: "Golf", maker: "WVW" },
  { make: "Volkswagen", model: "Crafter", maker: "WV1" },
  { make: "Mercedes-Benz", model: "Sprinter", maker: "WDB" },
  { make: "Hyundai", model: "Tucson", maker: "KM8" },
  { make: "Kia", model: "Sportage", maker: "KND" },
  { make: "Renault", model: "Master", maker: "VF1" },
  { make: "Volvo", model: "FH", maker: "YV2" },
  { make: "Mahindra", model: "Bolero", maker: "MA1" },
];
