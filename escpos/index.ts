/** The library's public face. Everything here is pure: bytes in, bytes out, in Node and in browsers. */
export { type Account, Accountant, account } from "./account.ts";
export type { BarcodeSystem } from "./barcode.ts";
export type { Bitmap } from "./bitmap.ts";
export type { SymbolSource } from "./code-item.ts";
export { type CodePage, codePageNames, codePageOf, decodeCodePage } from "./code-page.ts";
export type {
  Command,
  CommandKind,
  CommandOfKind,
  FunctionCommand,
  IgnoredCommand,
  KnownCommand,
  OversizeCommand,
  Span,
  TextCommand,
  TruncatedCommand,
  UnknownCommand,
} from "./command.ts";
export { type CommandValue, encodeCommands } from "./command-bytes.ts";
export { Decoder, type DecoderOptions, decode } from "./decoder.ts";
export { type DitherMethod, type DitherOptions, dither } from "./dither.ts";
export { type BarcodeOptions, type Encoder, encoderFor, type ImageOptions } from "./encoder.ts";
export type { CodeDrawer, EncoderOptions, EncoderState } from "./encoder-state.ts";
export { openHexFont, receiptFont } from "./font.ts";
export { chainGlyphs, type GlyphSource } from "./glyph.ts";
export type { Dialect } from "./grammar.ts";
export { renderHtml } from "./html-render.ts";
export { ImageRenderer, type ImageRenderOptions, type RenderedPaper, renderImage } from "./image-render.ts";
export type { Alignment, Column } from "./line-layout.ts";
export type { Picture } from "./picture.ts";
export { encodePng } from "./png.ts";
export type { CjkCharset, Feature, FontProfile, Profile, Quirk } from "./profile.ts";
export {
  chooseProfile,
  type PrinterIdentity,
  type ProfileChoice,
  parseDeviceId,
  profileIds,
  profileOf,
} from "./profiles.ts";
export { rasterCodes } from "./raster-codes.ts";
export { findRealTime, type RealTimeSpot } from "./real-time.ts";
export {
  type PrinterError,
  type PrinterStatus,
  type StatusEvent,
  StatusReader,
  type StatusRequest,
} from "./status.ts";
export type { QrLevel, SymbolOptions, Symbology } from "./symbol.ts";
export { testPage } from "./test-page.ts";
export { renderText } from "./text-render.ts";
