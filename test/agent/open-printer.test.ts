/** The conversation over a real connection: a model of a printer behind a socket, our own `tcp:` in front of it. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openDevice } from "../../agent/open-device.ts";
import { OpenPrinter } from "../../agent/open-printer.ts";
import { printCopy } from "../../agent/printing.ts";
import { profileOf } from "../../agent/profile.ts";
import { StallWatch } from "../../agent/stall-watch.ts";
import { EscposPrinter } from "./escpos-printer.ts";
import type { PrinterModel } from "./fake-device.ts";
import { PjlPrinter } from "./pjl-printer.ts";

let server: Server;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});

async function serve(model: PrinterModel): Promise<string> {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    model.open((bytes) => socket.write(bytes));
    socket.on("data", (bytes) => model.take(bytes));
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function print(uri: string, name: "escpos" | "pjl", text: string, confirmMs: number): Promise<boolean> {
  const profile = profileOf(name);
  const printer = new OpenPrinter(await openDevice(uri), {
    status: profile.status,
    manners: { answers: true, confirms: null },
    now: () => 0,
    onStatus: () => undefined,
  });
  const limits = { stallMs: 10_000, stallOtpMs: 60_000, stallGiveUpMs: 600_000 };
  const watch = new StallWatch(() => performance.now(), limits, {
    obstacle: () => printer.obstacle,
    onPaused: () => undefined,
    onResumed: () => undefined,
  });
  try {
    await printer.ask();
    const document = (async function* () {
      yield Buffer.from(text);
    })();
    return await printCopy(printer, { profile, document, confirmMs }, watch, {
      onFirstByte: () => undefined,
      onDocument: () => undefined,
      onLastByte: () => undefined,
    });
  } finally {
    watch.close();
    await printer.dispose();
  }
}

test("a receipt printer at a socket confirms", async () => {
  const model = new EscposPrinter();
  expect(await print(await serve(model), "escpos", "one receipt\n", 600_000)).toBe(true);
  expect(model.text).toBe("one receipt");
});

test("a laser printer at a socket confirms", async () => {
  const model = new PjlPrinter();
  expect(await print(await serve(model), "pjl", "page 1\fpage 2", 600_000)).toBe(true);
  expect(model.pages).toEqual(["page 1\f", "page 2"]);
});

test("one that confirms nothing takes everything all the same", async () => {
  const model = new EscposPrinter({ fence: "no" });
  expect(await print(await serve(model), "escpos", "one receipt\n", 30)).toBe(false);
  expect(model.text).toBe("one receipt");
  expect(model.done.at(-1)?.kind).toBe("request-response");
});
