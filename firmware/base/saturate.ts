// Saturating arithmetic on u32.

export function addSaturating(a: u32, b: u32): u32 {
  const sum = a + b;
  return sum < a ? 0xffffffff : sum;
}

export function subtractSaturating(a: u32, b: u32): u32 {
  return a > b ? a - b : 0;
}
