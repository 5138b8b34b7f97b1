// For editors. The build resolves this import to preset_<name>.ts (host/build).
export * from "./preset_flight";
