import { defineTypes } from "./define.js";
import type { EventType } from "./event-type.js";
import { integer, number, text } from "./fields.js";

const DEVICE = text("Type of the semiconductor device, such as SiC-MOSFET");
const SERVICE = text("Service where it happened; the sender stands in for a missing one");
const DURATION = number("Time that processing took, milliseconds", { minimum: 0 });

/** Events of the platform that reads data sheets. No field is required: producers send what they have. */
export const DOCUMENT_TYPES: readonly EventType[] = defineTypes({ area: "documents" }, [
  {
    name: "document_processed",
    description: "A document was processed.",
    optional: {
      device_type: DEVICE,
      processing_time_ms: DURATION,
      file_size_mb: number("Size of the document, megabytes", { minimum: 0 }),
    },
    example: { device_type: "GaN-HEMT", processing_time_ms: 1500, file_size_mb: 2.5 },
  },
  {
    name: "processing_error",
    description: "Processing of a document failed.",
    optional: {
      error_type: text("Kind of the error"),
      error_message: text("What went wrong"),
      service: SERVICE,
    },
    example: { error_type: "ocr_failure", error_message: "Text extraction failed" },
  },
  {
    name: "error",
    description: "Something failed; counts together with processing_error.",
    optional: { error_type: text("Kind of the error"), service: SERVICE },
    example: { error_type: "timeout", service: "pdf-service" },
  },
  {
    name: "processing_time",
    description: "How long a step of processing took.",
    optional: { processing_time_ms: DURATION },
    example: { processing_time_ms: 820 },
  },
  {
    name: "spice_model_generated",
    description: "A simulation model of a device was made.",
    optional: {
      device_type: DEVICE,
      model_complexity: text("Complexity of the model, such as basic or advanced"),
      parameters_extracted: integer("Parameters that were read from the document", { minimum: 0 }),
    },
    example: { device_type: "SiC-MOSFET", model_complexity: "advanced", parameters_extracted: 25 },
  },
]);
