import { expect, test } from "vitest";
import { chooseProfile } from "../../agent/profile-choice.ts";
import { parseDeviceId } from "../../pcl/device-id.ts";

test.each([
  [
    "MFG:HP;MDL:LaserJet 4100;CMD:PJL,MLC,PCL,PCLXL,POSTSCRIPT;",
    "pjl",
    ["pjl", "pcl", "pclxl", "ps", "text"],
  ],
  [
    "MFG:HP;MDL:M404;CMD:PJL,PML,PCLXL,POSTSCRIPT,PDF,PJL,URF;",
    "pjl",
    ["pjl", "pdf", "pclxl", "ps", "text", "urf"],
  ],
  ["MFG:Brother;MDL:HL-1;CMD:PJL;", "pjl", ["pjl", "pdf", "pcl", "pclxl", "ps", "text"]],
  ["MFG:X;MDL:Y;COMMAND SET:PCL5e;", "pcl", ["pcl", "text"]],
  ["MFG:X;MDL:Y;CMD:PostScript Level 3;", "postscript", ["ps"]],
  ["MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;", "escpos", ["escpos", "text"]],
  ["MFG:EPSON;MDL:TM-T20II;CLS:PRINTER;", "escpos", ["escpos", "text"]],
])("%s: %s", (id, profile, languages) => {
  expect(chooseProfile(parseDeviceId(Buffer.from(id))!)).toEqual({ profile, languages });
});

test.each(["MFG:X;MDL:Deskjet;CMD:PCL3GUI,LIDIL;", "MFG:X;MDL:Y;CMD:__PROTO__;", "MFG:X;"])(
  "%s does not say enough",
  (id) => {
    expect(chooseProfile(parseDeviceId(Buffer.from(id))!)).toBeNull();
  },
);
