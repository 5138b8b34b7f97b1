// Makes every allocation a compile error: flight code has no heap.

// @global
function __new(size: usize, id: u32): usize {
  ERROR('flight code must not allocate');
  return 0;
}
// @global
function __renew(ptr: usize, size: usize): usize {
  ERROR('flight code must not allocate');
  return 0;
}
// @global
function __link(parent: usize, child: usize, expectMultiple: bool): void {
  ERROR('flight code has no managed references');
}
// @global
function __collect(): void {
  ERROR('flight code has nothing to collect');
}
// @global
function __visit(ptr: usize, cookie: u32): void {
  ERROR('flight code has no managed references');
}
// @global
function __pin(ptr: usize): usize {
  ERROR('flight code has no managed references');
  return 0;
}
// @global
function __unpin(ptr: usize): void {
  ERROR('flight code has no managed references');
}
export { __new, __renew, __link, __collect, __visit, __pin, __unpin };
