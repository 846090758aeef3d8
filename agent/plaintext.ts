/** Plaintext that was used: wiped, and given back at once. The collector would let megabytes of it pile up. */

/** `bytes` and whatever else lies in its buffer must be nobody's any more. */
export function shredPlaintext(bytes: Uint8Array): void {
  bytes.fill(0);
  // The cipher makes a buffer for each chunk; a small piece may lie in a buffer that others share.
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < SHARED_BYTES_MAX) return;
  try {
    buffer.transfer(0);
  } catch {
    // Node's pool of small buffers (64 KiB in Node 24) lets nobody take it away.
  }
}

/** What is smaller is not worth the call. */
const SHARED_BYTES_MAX = 32 * 1024;
