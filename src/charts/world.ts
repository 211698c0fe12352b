import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";

/** Outlines of countries, WGS 84, as GeoJSON: Natural Earth at 1 : 110,000,000, public domain. */
export function world() {
  const path = createRequire(import.meta.url).resolve("world-atlas/countries-110m.json");
  const topology = JSON.parse(readFileSync(path, "utf8")) as Topology<{ countries: GeometryCollection }>;
  return feature(topology, topology.objects.countries);
}
