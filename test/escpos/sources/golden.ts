/** Writes the golden pictures: `node test/escpos/sources/golden.ts`. Look at each one that changes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { renderImage } from "../../../escpos/image-render.ts";
import { encodePng } from "../../../escpos/png.ts";
import { bwipSymbols, scenes } from "../scenes.ts";

const folder = new URL("../../vectors/escpos/golden/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const { name, bytes, profile } of scenes()) {
  writeFileSync(
    new URL(`${name}.png`, folder),
    encodePng(renderImage(bytes, profile, { symbols: bwipSymbols }).bitmap),
  );
}
