/**
 * The set-up file as every image brings it: all of it a note, for whoever opens the card with any editor. It fills a
 * fixed room in one piece, so that a command can write into an image without knowing its file system.
 */
import { SETUP_BYTES_MAX } from "./setup-text.ts";

/** Room for the longest sensible set-up; a multiple of every FAT's sector. */
export const TEMPLATE_BYTES = 8192;

/** The first line and the last tell where the room begins and that it is whole. */
export const FIRST_LINE =
  "# platen.toml - how this printer is set up. A line that begins with # counts for nothing.\r\n";
export const LAST_LINE = "# end of platen.toml\r\n";

const NOTES = `#
# Take away the # before the lines you want, fill them in, save, put the card into the Pi, switch it on.
# If something is wrong, the Pi flashes yellow and blue and writes here, into platen-problem.txt, what it is.

# The code that "platen printer add NAME" shows on the broker. It is good once, and erased here when it was used.
#claim = "platen-claim-..."

# Only where there is no network cable:
#[wifi]
#name = "Office"
#password = "..."
#country = "DE"

# Only where the network hands out no addresses:
#[network]
#address = "192.168.1.20/24"
#gateway = "192.168.1.1"
#dns = ["192.168.1.1"]

# Only where the time servers of the internet cannot be reached:
#[time]
#ntp = ["time.example.org"]

# Only for who wants to come in by SSH (there is no password):
#[ssh]
#key = "ssh-ed25519 AAAA... name"

# Only where the printer is not the one on USB. NAME is the name it has on the broker.
#[printer.NAME]
#uri = "serial:/dev/ttyUSB0?baud=115200"
#profile = "escpos"
`;

/** What a fresh image holds as platen.toml. */
export function formatTemplate(): Uint8Array {
  return fillRoom(NOTES);
}

/**
 * `text` in the room, its lines ended as every computer's editor knows them.
 * @throws RangeError where it is too long
 */
export function fillRoom(text: string): Uint8Array {
  const body = text.replace(/\r?\n/g, "\r\n");
  const used = Buffer.byteLength(FIRST_LINE) + Buffer.byteLength(body) + Buffer.byteLength(LAST_LINE);
  const free = TEMPLATE_BYTES - used;
  if (free < 0 || TEMPLATE_BYTES > SETUP_BYTES_MAX) throw new RangeError(`${-free} bytes too long`);
  // Empty lines, and one space where their two bytes do not come out even.
  const filler = `${free % 2 === 1 ? " " : ""}${"\r\n".repeat(free >> 1)}`;
  return Buffer.from(FIRST_LINE + body + filler + LAST_LINE);
}
