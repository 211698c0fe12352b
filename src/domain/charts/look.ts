import type { Level } from "./chart.js";

export const THEMES = ["LIGHT", "DARK"] as const;
export type Theme = (typeof THEMES)[number];

/** How charts look: of a theme, with a tenant's own colours in front where it has some. */
export interface Look {
  readonly theme: Theme;
  readonly background: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  /** Of series, in order; more series begin again. */
  readonly palette: readonly string[];
  /** Of values from low to high. */
  readonly ramp: readonly [string, string, string];
  readonly levels: Readonly<Record<Level, string>>;
}

/** Told apart with every kind of colour blindness (Okabe and Ito 2008), darkened to be read on white. */
const PALETTE = ["#0072b2", "#d55e00", "#007a5e", "#b0508f", "#9a6a00", "#3b7dbd", "#7a3e9d", "#5b6770"];
const ON_DARK = ["#56b4e9", "#e69f00", "#2fbf9b", "#cc79a7", "#f0e442", "#8fb8de", "#b48ad6", "#a9b4bd"];

const LIGHT: Look = {
  theme: "LIGHT",
  background: "#ffffff",
  text: "#1f2933",
  faint: "#52606d",
  line: "#d9dee4",
  palette: PALETTE,
  ramp: ["#eef4fa", "#7fb2dc", "#08407a"],
  levels: { GOOD: "#007a5e", WARNING: "#c77700", BAD: "#b3261e" },
};

const DARK: Look = {
  theme: "DARK",
  background: "#14191f",
  text: "#e7ecf1",
  faint: "#a9b4bd",
  line: "#38424d",
  palette: ON_DARK,
  ramp: ["#1d2a38", "#2f78b5", "#bfe0fa"],
  levels: { GOOD: "#2fbf9b", WARNING: "#f0a93b", BAD: "#ef6a61" },
};

/** @param colours a tenant's own, `#rrggbb` */
export function lookOf(theme: Theme, colours: readonly string[] = []): Look {
  const look = theme === "DARK" ? DARK : LIGHT;
  return colours.length === 0 ? look : { ...look, palette: [...colours, ...look.palette] };
}
