/**
 * DuckDB's driver decodes text with a decoder that drops a leading byte order mark, so a text that begins with U+FEFF
 * would come back without it. The driver makes its decoder when it is loaded: this must be imported before, and only in
 * a thread of its own.
 */
globalThis.TextDecoder = class extends TextDecoder {
  constructor(label?: string, options?: TextDecoderOptions) {
    super(label, { ignoreBOM: true, ...options });
  }
};
