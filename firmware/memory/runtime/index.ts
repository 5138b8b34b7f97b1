// The runtime without a heap, which the compiler links instead of an allocator.
export {};
