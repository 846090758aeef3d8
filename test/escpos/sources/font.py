"""Makes escpos/font.json from Debian's xfonts-terminus and unifont (both SIL Open Font License 1.1).

python3 font.py DIR HEX CODEPAGES > escpos/font.json, where DIR holds ter-u24b_unicode.pcf.gz and
ter-u16b_unicode.pcf.gz, HEX is unifont.hex, and CODEPAGES is a JSON list of
the code points of all code pages. Terminus has two faces; Unifont
gives the characters of code pages that Terminus lacks (Katakana, Thai, Vietnamese, Arabic).
"""
import base64
import gzip
import json
import struct
import sys

BITMAPS, METRICS, ENCODINGS = 8, 4, 32


def read_pcf(path):
    data = gzip.open(path).read()
    assert data[:4] == b"\1fcp"
    (count,) = struct.unpack("<I", data[4:8])
    tables = {}
    for i in range(count):
        kind, fmt, size, offset = struct.unpack("<IIII", data[8 + 16 * i : 24 + 16 * i])
        tables[kind] = (fmt, offset)
    return data, tables


def order(fmt):
    return ">" if fmt & 4 else "<"


def glyphs(path):
    data, tables = read_pcf(path)
    fmt, at = tables[METRICS]
    metrics = []
    o = order(fmt)
    if fmt & 0x100:
        (n,) = struct.unpack(o + "H", data[at + 4 : at + 6])
        for i in range(n):
            metrics.append([b - 0x80 for b in data[at + 6 + 5 * i : at + 11 + 5 * i]])
    else:
        (n,) = struct.unpack(o + "I", data[at + 4 : at + 8])
        for i in range(n):
            metrics.append(struct.unpack(o + "hhhhhH", data[at + 8 + 12 * i : at + 20 + 12 * i])[:5])
    fmt, at = tables[BITMAPS]
    o = order(fmt)
    (n,) = struct.unpack(o + "I", data[at + 4 : at + 8])
    offsets = struct.unpack(o + f"{n}I", data[at + 8 : at + 8 + 4 * n])
    sizes = struct.unpack(o + "4I", data[at + 8 + 4 * n : at + 24 + 4 * n])
    base = at + 24 + 4 * n
    pad = 1 << (fmt & 3)
    assert sizes[fmt & 3]
    msb_first = bool(fmt & 8)
    unit = 1 << ((fmt >> 4) & 3)
    bitmaps = []
    for i in range(n):
        left, right, width, ascent, descent = metrics[i]
        stride = ((right - left + 7) // 8 + pad - 1) // pad * pad
        rows = []
        for y in range(ascent + descent):
            row = data[base + offsets[i] + y * stride : base + offsets[i] + (y + 1) * stride]
            if not (fmt & 4) and unit > 1:
                row = b"".join(row[k : k + unit][::-1] for k in range(0, len(row), unit))
            if not msb_first:
                row = bytes(int(f"{b:08b}"[::-1], 2) for b in row)
            bits = "".join(f"{b:08b}" for b in row)[: right - left]
            rows.append(bits)
        bitmaps.append((left, width, ascent, descent, rows))
    fmt, at = tables[ENCODINGS]
    o = order(fmt)
    c1, c2, r1, r2, default = struct.unpack(o + "5H", data[at + 4 : at + 14])
    result = {}
    k = 0
    for r in range(r1, r2 + 1):
        for c in range(c1, c2 + 1):
            (index,) = struct.unpack(o + "H", data[at + 14 + 2 * k : at + 16 + 2 * k])
            k += 1
            if index != 0xFFFF:
                result[r << 8 | c] = bitmaps[index]
    return result


def hex_face(path, wanted, columns):
    chosen = {}
    for line in open(path, encoding="ascii"):
        code, bits = line.strip().split(":")
        if int(code, 16) in wanted and len(bits) == columns * 4:
            step = columns // 4
            rows = [f"{int(bits[k : k + step], 16):0{columns}b}" for k in range(0, len(bits), step)]
            chosen[int(code, 16)] = (0, columns, 16, 0, rows)
    return face(chosen, columns, 16, 16)


def face(found, width, height, ascent):
    codes = sorted(cp for cp in found if cp >= 0x20 and not 0xE000 <= cp < 0xF900 and cp != 0x7F)
    out = bytearray()
    for cp in codes:
        left, _, up, down, rows = found[cp]
        grid = [["0"] * width for _ in range(height)]
        for y, bits in enumerate(rows):
            for x, bit in enumerate(bits):
                gy, gx = ascent - up + y, left + x
                if bit == "1" and 0 <= gy < height and 0 <= gx < width:
                    grid[gy][gx] = "1"
        bits = "".join("".join(row) for row in grid)
        out += bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8))
    ranges = []
    for cp in codes:
        if ranges and cp == ranges[-1][1] + 1:
            ranges[-1][1] = cp
        else:
            ranges.append([cp, cp])
    text = " ".join(f"{a:x}-{b:x}" if a != b else f"{a:x}" for a, b in ranges)
    return {"width": width, "height": height, "codePoints": text, "bits": base64.b64encode(bytes(out)).decode()}


folder, hex_path, pages_path = sys.argv[1:4]
large = glyphs(f"{folder}/ter-u24b_unicode.pcf.gz")
wanted = set(json.load(open(pages_path, encoding="utf-8"))) - set(large)
json.dump(
    {
        "name": "Platen Receipt",
        "licence": "SIL Open Font License 1.1. Converted from Terminus Font 4.48 (bold), Copyright (c) 2010 Dimitar "
        "Toshkov Zhekov, whose reserved name this version does not use, and from GNU Unifont 15.0.01, Copyright (c) "
        "1998-2022 Roman Czyborra, Paul Hardy and others; see OFL.txt",
        "faces": [
            face(large, 12, 24, 19),
            face(glyphs(f"{folder}/ter-u16b_unicode.pcf.gz"), 8, 16, 12),
            hex_face(hex_path, wanted, 8),
            hex_face(hex_path, wanted, 16),
        ],
    },
    sys.stdout,
    indent=1,
)
print()
