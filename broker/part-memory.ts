/** Gives a part's memory back at once. It lies outside V8's heap, where the collector lets 50 MB of it pile up. */

/** Node hands shorter buffers out of shared memory; and a connection may keep them after it said it took them. */
const OWN_BYTES_MIN = 64 * 1024;

/**
 * Call it when nobody will look at `bytes` again: they are empty afterwards. What shares its memory with other buffers
 * is left to the collector.
 */
export function giveBack(bytes: Buffer): void {
  const { buffer, byteLength } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isOwn && byteLength >= OWN_BYTES_MIN) buffer.transfer(0);
}
