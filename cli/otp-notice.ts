/** How the one-time password is shown: large, plain, and as a QR code where that is wanted. */
import { formatOtp } from "../wire/otp.ts";
import { drawDigits } from "./otp-digits.ts";
import { drawQrCode } from "./qr-code.ts";
import { showsBlocks, type Terminal } from "./terminal.ts";

/** The plain digits always stand there too: for copying, for screen readers, for logs of a script. */
export function layoutOtp(otp: string, terminal: Terminal, qr: boolean): string {
  const blocks = showsBlocks(terminal.stdout);
  const drawn = blocks ? drawDigits(otp, terminal.width) : "";
  const plain = `  ${terminal.style("bold", formatOtp(otp))}`;
  const colour = terminal.style("bold", "x") !== "x";
  return [drawn, plain, qr ? drawQrCode(otp, colour) : ""].filter((part) => part !== "").join("\n\n");
}
