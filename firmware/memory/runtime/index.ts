// The heap-less runtime: the compiler links this instead of an allocator.
import { __new, __renew, __link, __collect, __visit, __pin, __unpin } from "./heapless";
