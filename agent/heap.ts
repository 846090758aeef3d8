/**
 * Keeps V8's young generation at its first size. Streams make much short-lived garbage around buffers outside the heap;
 * a young generation that grows to 64 MB lets that garbage, and the buffers, pile up before it looks. Import it first:
 * what has grown does not shrink.
 */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--semi-space-growth-factor=1");
