/**
 * Coverage-guided fuzzing of everything that reads a stranger's bytes. Run by `bench/escpos-fuzz.ts`;
 * the unit tests replay the corpus it has found.
 */
import { account } from "../../escpos/account.ts";
import { encodeCommands } from "../../escpos/command-bytes.ts";
import { Decoder, decode } from "../../escpos/decoder.ts";
import type { Dialect } from "../../escpos/grammar.ts";
import { renderHtml } from "../../escpos/html-render.ts";
import { renderImage } from "../../escpos/image-render.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { StatusReader } from "../../escpos/status.ts";
import { renderText } from "../../escpos/text-render.ts";

/** By the two lowest bits of the first byte. */
export const FUZZ_DIALECTS: readonly Dialect[] = ["epson", "sii", "star", "citizen"];
const PROFILES = ["TM-T88V", "TM-T70II-CH", "POS-5890", "default"].map((id) => {
  const profile = profileOf(id);
  if (profile === null) throw new Error(`no profile ${id}`);
  return profile;
});

/** Throws when any promise about arbitrary bytes is broken. The first byte chooses dialect, profile and chunk size. */
export function fuzz(data: Uint8Array): void {
  const choice = data[0] ?? 0;
  const bytes = Uint8Array.from(data.subarray(1));
  const dialect = FUZZ_DIALECTS[choice & 3] ?? "epson";
  const profile = { ...(PROFILES[(choice >> 2) & 3] ?? PROFILES[0]!), dialect };
  const options = { dialect, maxCommandBytes: (choice & 0x80) !== 0 ? 64 : 1 << 20 };

  const commands = decode(bytes, options);
  let at = 0;
  for (const command of commands) {
    if (command.start !== at || command.end <= at)
      throw new Error(`ranges: ${command.kind} at ${command.start}, not ${at}`);
    at = command.end;
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes belong to no command`);

  const chunk = ((choice >> 4) & 7) + 1;
  const decoder = new Decoder(options);
  const pieces = [];
  for (let from = 0; from < bytes.length; from += chunk)
    pieces.push(...decoder.push(bytes.slice(from, from + chunk)));
  pieces.push(...decoder.end());
  const shape = (list: typeof commands): string =>
    list.map(({ kind, start, end }) => `${kind} ${start} ${end}`).join();
  if (shape(pieces) !== shape(commands)) throw new Error("chunking changes the commands");

  if (!commands.some(({ kind }) => kind === "oversize")) {
    const again = encodeCommands(pieces, dialect);
    if (again.length !== bytes.length || again.some((byte, index) => byte !== bytes[index]))
      throw new Error("round trip");
  }

  account(bytes, profile);
  renderText(bytes, profile);
  checkHtml(renderHtml(bytes, profile));
  if (bytes.length > 600) return;
  const { bitmap } = renderImage(bytes, profile, { maxHeightDots: 1000 });
  if (bitmap.height > 1000 || bitmap.data.length !== bitmap.stride * bitmap.height)
    throw new Error("paper size");
  const reader = new StatusReader();
  reader.expect({ kind: "real-time", n: choice & 7 });
  reader.push(bytes);
}

/** Only the tags that the renderer itself writes. */
function checkHtml(html: string): void {
  const tags = new Set(Array.from(html.matchAll(/<\/?([a-z]+)/gi), (match) => match[1]));
  for (const tag of tags) {
    if (!/^(section|style|p|hr|figure|span|strong|u)$/.test(tag ?? ""))
      throw new Error(`a tag of the stream's own: ${tag}`);
  }
}
