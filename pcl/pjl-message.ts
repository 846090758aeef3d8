/** What a printer says on the back-channel in PJL: one message is one block, from `@PJL` to the form feed. */

export type PjlMessage =
  /** `CODE=`, `DISPLAY=`, `ONLINE=`, asked for or not. */
  | {
      readonly kind: "device";
      readonly asked: boolean;
      /** Usually one; some printers add a second condition as `CODE2`. */
      readonly codes: readonly number[];
      /** What its panel shows, in its own tongue: for people only. */
      readonly display: string | null;
      readonly online: boolean | null;
    }
  | {
      readonly kind: "job";
      readonly step: "start" | "end" | "canceled";
      readonly name: string | null;
      /** At the end: pages in the output bin. */
      readonly pages: number | null;
      /** `OK` or why not, where the printer says so. */
      readonly result: string | null;
    }
  | { readonly kind: "page"; readonly page: number }
  | { readonly kind: "echo"; readonly words: string }
  /** The answer to another `INFO`, line by line; `about` in capitals. */
  | { readonly kind: "info"; readonly about: string; readonly lines: readonly string[] }
  | { readonly kind: "unknown"; readonly head: string };

/**
 * Reads one block.
 *
 * @param head its first line, from `@PJL` on
 * @param lines the others, trimmed, none empty
 */
export function readPjlMessage(head: string, lines: readonly string[]): PjlMessage {
  const echo = /^@PJL ECHO ?(.*)$/i.exec(head);
  if (echo !== null) return { kind: "echo", words: (echo[1] ?? "").trim() };
  const [verb = "", about = ""] = head.toUpperCase().split(/\s+/).slice(1);
  if (verb === "INFO" && about === "STATUS") return readDevice(lines, true);
  if (verb === "INFO") return { kind: "info", about, lines };
  if (verb === "USTATUS") {
    if (about === "DEVICE" || about === "TIMED") return readDevice(lines, false);
    if (about === "JOB") return readJob(lines) ?? { kind: "unknown", head };
    const page = about === "PAGE" ? readNumber(lines[0]) : null;
    if (page !== null) return { kind: "page", page };
  }
  return { kind: "unknown", head };
}

function readDevice(lines: readonly string[], asked: boolean): PjlMessage {
  const codes = [readNumber(fieldOf(lines, "CODE")), readNumber(fieldOf(lines, "CODE2"))];
  const online = fieldOf(lines, "ONLINE")?.toUpperCase();
  return {
    kind: "device",
    asked,
    codes: codes.filter((code) => code !== null),
    display: fieldOf(lines, "DISPLAY"),
    online: online === "TRUE" ? true : online === "FALSE" ? false : null,
  };
}

const STEPS = { START: "start", END: "end", CANCELED: "canceled", CANCELLED: "canceled" } as const;

function readJob(lines: readonly string[]): PjlMessage | null {
  const word = lines[0]?.toUpperCase() ?? "";
  if (word !== "START" && word !== "END" && word !== "CANCELED" && word !== "CANCELLED") return null;
  return {
    kind: "job",
    step: STEPS[word],
    name: fieldOf(lines, "NAME"),
    pages: readNumber(fieldOf(lines, "PAGES")),
    result: fieldOf(lines, "RESULT")?.toUpperCase() ?? null,
  };
}

/** The value of `KEY=value` or `KEY = "value"`; the first where a key stands twice. */
function fieldOf(lines: readonly string[], key: string): string | null {
  for (const line of lines) {
    const at = line.indexOf("=");
    if (at < 0 || line.slice(0, at).trim().toUpperCase() !== key) continue;
    const value = line.slice(at + 1).trim();
    return /^".*"$/.test(value) ? value.slice(1, -1) : value;
  }
  return null;
}

function readNumber(text: string | null | undefined): number | null {
  return text !== null && text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
