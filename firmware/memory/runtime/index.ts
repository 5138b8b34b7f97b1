// The heap-less runtime: the compiler links this instead of an allocator.
export {};
