// For editors. The build resolves this import to preset/<name>.ts (host/build).
export * from './preset/flight';
