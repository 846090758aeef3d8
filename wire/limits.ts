/** The numbers of the contract. docs/protocol.md states them; nothing else may repeat them. */

/** Default size of a part: portable across MQTT engines (packets under 128 KB). */
export const PART_BYTES = 96 * 1024;
export const PART_BYTES_MIN = 16 * 1024;
/** Hard cap of one message's payload, `only` included. */
export const PAYLOAD_BYTES_MAX = 120 * 1024;
/** The age header is refused beyond this before it is parsed. */
export const HEADER_BYTES_MAX = 64 * 1024;
/** The manifest line, its `\n` included. */
export const MANIFEST_BYTES_MAX = 8 * 1024;
/** `end`, `cancel` and other small JSON from senders. */
export const SMALL_JSON_BYTES_MAX = 1024;
/** A recipients list or its signature. */
export const LIST_BYTES_MAX = 64 * 1024;
export const OTP_DIGITS = 8;
/** For groups of more than {@link OTP_GROUP_PRINTERS} printers. */
export const OTP_DIGITS_LARGE_GROUP = 10;
export const OTP_GROUP_PRINTERS = 4;
export const EXPIRES_DEFAULT_S = 8 * 3600;
export const EXPIRES_MAX_S = 7 * 24 * 3600;
/** A parts list may name at most this many ranges; the rest is told in the next status. */
export const MISSING_RANGES_MAX = 64;
/** Parts an agent asks for ahead of what it has: bounds the memory of both sides per transfer. */
export const AGENT_WINDOW_PARTS = 16;
