export interface DecodeOptions {
  keys?: string;
  json?: boolean;
}
