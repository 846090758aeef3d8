/** The one-time password: decimal digits drawn without bias, shown as people read them. */

/** Trivial rows someone would try first: all equal (`11111111`), running up or down (`12345678`, `98765432`, `89012345`). */
export function isTrivialOtp(otp: string): boolean {
  const steps = new Set<number>();
  for (let i = 1; i < otp.length; i++) {
    steps.add((Number(otp[i]) - Number(otp[i - 1]) + 10) % 10);
  }
  const [step] = steps;
  return steps.size === 1 && (step === 0 || step === 1 || step === 9);
}

/**
 * Draws an OTP of `digits` decimal digits from the CSPRNG, every value equally likely except the trivial ones,
 * which are drawn again. Bytes from 250 up are thrown away so that `% 10` has no bias.
 */
export function drawOtp(
  digits: number,
  fill: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes),
): string {
  for (;;) {
    let otp = "";
    while (otp.length < digits) {
      const [byte = 255] = fill(new Uint8Array(1));
      if (byte < 250) otp += String(byte % 10);
    }
    if (!isTrivialOtp(otp)) return otp;
  }
}

/** `48213907` as `4821 3907`; ten digits as `482 139 0714`. */
export function formatOtp(otp: string): string {
  if (otp.length === 10) return `${otp.slice(0, 3)} ${otp.slice(3, 6)} ${otp.slice(6)}`;
  return otp.replace(/(.{4})(?=.)/g, "$1 ");
}
