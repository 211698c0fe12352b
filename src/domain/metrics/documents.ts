import { count, distinct, type Metric, mean, metricsOf, numberAt, ofTypes, sum, USER } from "./metric.js";

const PROCESSED = ofTypes("document_processed");
/** Both names that producers use for the same thing. */
export const DOCUMENT_ERRORS = ofTypes("processing_error", "error");
const MODELS = ofTypes("spice_model_generated");
export const DOCUMENT_TYPES = [
  "document_processed",
  "processing_error",
  "error",
  "processing_time",
  "spice_model_generated",
];
/** Of documents whose time is known. */
const TIMED = { types: ["document_processed"], where: { field: numberAt("processing_time_ms"), isSet: true } } as const;

/** Definitions of the documents contract, sections 2, 3 and 7. */
export const DOCUMENT_METRICS: readonly Metric[] = metricsOf(
  "documents",
  ["service", "device_type"],
  [
    {
      id: "total_processed",
      title: "Documents processed",
      description: "Documents that were processed.",
      formula: count(PROCESSED),
      formulaText: "count of document_processed",
    },
    {
      id: "total_errors",
      title: "Errors",
      description: "Errors, whether they are called processing_error or error.",
      formula: count(DOCUMENT_ERRORS),
      formulaText: "count of processing_error, error",
      dimensions: ["error_type"],
    },
    {
      id: "success_rate",
      title: "Success rate",
      description: "Documents less errors, for each hundred documents; never below 0.",
      unit: "PERCENT",
      formula: {
        ratio: [{ subtract: [count(PROCESSED), count(DOCUMENT_ERRORS)] }, count(PROCESSED)],
        times: 100,
        atLeast: 0,
      },
      formulaText: "(total_processed - total_errors) / total_processed × 100, at least 0",
    },
    {
      id: "avg_processing_time",
      title: "Processing time",
      description: "Time to process a document, over those that tell it.",
      unit: "MILLISECONDS",
      formula: mean(sum(numberAt("processing_time_ms"), TIMED), count(TIMED)),
      formulaText: "sum of processing_time_ms / documents that have one",
    },
    {
      id: "file_size_mb",
      title: "Data processed",
      description: "Size of all processed documents.",
      unit: "MEGABYTES",
      formula: sum(numberAt("file_size_mb"), PROCESSED),
      formulaText: "sum of file_size_mb over document_processed",
    },
    {
      id: "total_models",
      title: "Models generated",
      description: "Simulation models that were made.",
      formula: count(MODELS),
      formulaText: "count of spice_model_generated",
      dimensions: ["complexity"],
    },
    {
      id: "active_users",
      title: "Active users",
      description: "Different users of the document platform.",
      formula: distinct(USER, ofTypes(...DOCUMENT_TYPES)),
      formulaText: "distinct users",
    },
  ],
);
