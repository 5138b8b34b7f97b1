/** Data tables that the bundler turns into strings (host/build/bundle.mjs). */
declare module '*.csv' {
  const text: string;
  export default text;
}
declare module '*.yaml' {
  const text: string;
  export default text;
}
declare module '*.cddl' {
  const text: string;
  export default text;
}

declare module '*.jsonl' {
  const text: string;
  export default text;
}
