export {
  CHART_TYPES,
  type Chart,
  type ChartType,
  type GaugeChart,
  isEmptyChart,
  LEVELS,
  type Level,
  type MapChart,
  type MatrixChart,
  type PartsChart,
  type SeriesChart,
  type TableChart,
} from "./chart.js";
export { type Look, lookOf, THEMES, type Theme } from "./look.js";
export { type ChartOption, chartOption, describe, FONT_FAMILY, WORLD } from "./option.js";
