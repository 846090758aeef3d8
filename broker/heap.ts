/**
 * Keeps V8's young generation at its first size, so that the short-lived garbage of a stream, and the buffers outside
 * the heap that hang on it, are found soon. Import it first: what has grown does not shrink.
 */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--semi-space-growth-factor=1");
