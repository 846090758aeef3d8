/** Everything that reads ESC/POS: the decoder, accounts, pictures, status. */
import { readdirSync, readFileSync } from "node:fs";
import { account } from "../../../escpos/account.ts";
import { encodeCommands } from "../../../escpos/command-bytes.ts";
import { Decoder, decode } from "../../../escpos/decoder.ts";
import type { Dialect } from "../../../escpos/grammar.ts";
import { renderHtml } from "../../../escpos/html-render.ts";
import { renderImage } from "../../../escpos/image-render.ts";
import { profileOf } from "../../../escpos/profiles.ts";
import { StatusReader } from "../../../escpos/status.ts";
import { renderText } from "../../../escpos/text-render.ts";
import { choose, type FuzzTarget } from "../target.ts";

/** By the two lowest bits of the first byte. */
const DIALECTS: readonly Dialect[] = ["epson", "sii", "star", "citizen"];
const WORDS = [
  "\x1b@",
  "\x1b*!",
  "\x1bD",
  "\x1b&\x03",
  "\x1bL",
  "\x1bW",
  "\x1bT",
  "\x1b\x0c",
  "\x1b!",
  "\x1bt",
  "\x1bR",
  "\x1bV\x01",
  "\x1b{\x01",
  "\x1dv0\x00",
  "\x1d(L",
  "\x1d8L",
  "\x1d(k",
  "\x1d(k\x03\x001Q0",
  "\x1dk",
  "\x1dkI",
  "\x1dV",
  "\x1d:",
  "\x1d^",
  "\x1d!",
  "\x1dC;",
  "\x1dD0C0",
  "\x1d*",
  "\x1d/",
  "\x1cq\x01",
  "\x1cp\x01",
  "\x1c&",
  "\x1cC\x01",
  "\x1c(C\x02\x0002",
  "\x1cg1",
  "\x10\x04\x01",
  "\x10\x14\x01\x00\x01",
  "\x10\x05\x01",
  "\x1b\x1dS\x01",
  "\x1b\x1dyD1\x00",
  "\x1bb",
  "BM",
  "{B",
  "{C",
];
const PROFILES = ["TM-T88V", "TM-T70II-CH", "POS-5890", "default"].map((id) => {
  const profile = profileOf(id);
  if (profile === null) throw new Error(`no profile ${id}`);
  return profile;
});

/** Throws when any promise about arbitrary bytes is broken. The first byte chooses dialect, profile and chunk size. */
function run(data: Uint8Array): void {
  const choice = data[0] ?? 0;
  const bytes = Uint8Array.from(data.subarray(1));
  const dialect = DIALECTS[choice & 3] ?? "epson";
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

/** What other people's programs wrote. */
function readVectors(): Buffer[] {
  const folders = ["../../vectors/escpos/", "../../vectors/escpos/escpos-php/"];
  return folders
    .map((folder) => new URL(folder, import.meta.url))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith(".bin"))
        .map((file) => readFileSync(new URL(file, folder))),
    );
}

export const target: FuzzTarget = {
  about: "ESC/POS: decoder, encoder, accounts, renderers, status",
  maxBytes: 4096,
  words: WORDS,
  seeds: () => readVectors().map((vector, at) => choose(at * 5, vector.subarray(0, 4095))),
  run,
};
