import { codePageOf } from "./code-page.ts";
import { type Encoder, encoderFor } from "./encoder.ts";
import type { EncoderOptions } from "./encoder-state.ts";
import { hasFeature, type Profile } from "./profile.ts";

/**
 * A page that shows whether a printer is what its profile says: a ruler as wide as the paper, sizes and styles, one line
 * of each code page, grey, codes, and what the paper should look like if all is well.
 *
 * @param title printed at the top: the printer's name, the date
 */
export function testPage(profile: Profile, title: string, options: EncoderOptions = {}): Encoder {
  let page = encoderFor(profile, options)
    .initialise()
    .align("center")
    .bold()
    .size(2)
    .line(title)
    .size(1)
    .bold(false);
  page = page.line(`${profile.vendor} ${profile.name}`).align("left").feed(1);
  for (const font of Object.keys(profile.fonts)) {
    const { name, columns } = profile.fonts[font] ?? { name: "", columns: 1 };
    page = page.font(Number(font)).line(`${name}: ${columns} columns, one line:`).line(ruler(columns));
  }
  page = page.font(0).bold().text("bold ").bold(false).underline().text("underlined").underline(0);
  page = page.text(" ").invert().text(" inverted ").invert(false).line().size(2, 1).text("wide ").size(1, 2);
  page = page.line("high").size(1).feed(1);
  page = addCodePages(page, profile);
  if (page.state.widthDots !== null && canPrintImages(profile)) {
    page = page
      .line("Edge to edge, from black to white:")
      .image(greyWedge(page.state.widthDots), { method: "blue-noise" });
  }
  if (hasFeature(profile, "qrCode"))
    page = page.align("center").qr("https://example.com/escpos", { module: 4 });
  return page.align("left").line("The ruler fills its line, the grey reaches both edges.").cut();
}

const ruler = (columns: number): string =>
  Array.from({ length: columns }, (_, at) => String((at + 1) % 10)).join("");

const canPrintImages = (profile: Profile): boolean =>
  (["bitImageRaster", "graphics", "bitImageColumn"] as const).some((feature) => hasFeature(profile, feature));

/** Of each page, its number, its name and what it has at A0 to BF, which tells the common pages apart. */
function addCodePages(page: Encoder, profile: Profile): Encoder {
  let next = page;
  for (const [number, name] of Object.entries(profile.codePages)) {
    const upper = codePageOf(name)?.upper;
    if (upper === undefined) continue;
    const bytes = Array.from({ length: 16 }, (_, at) => 0xa0 + at).filter(
      (byte) => (upper[byte - 0x80] ?? 0xfffd) !== 0xfffd,
    );
    const label = `${number.padStart(3)} ${name.slice(0, 14).padEnd(15)}`;
    next = next.text(label).raw(Uint8Array.of(0x1b, 0x74, Number(number), ...bytes));
    next = next.raw(Uint8Array.of(0x1b, 0x74, page.state.page ?? 0)).line();
  }
  return next;
}

function greyWedge(width: number): { width: number; height: number; data: Uint8Array } {
  const height = 48;
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at += 1) data[at] = Math.round(((at % width) / (width - 1)) * 255);
  return { width, height, data };
}
