import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { EXIT_STATUSES } from "../../cli/exit-status.ts";
import { describeFailure } from "../../cli/failure.ts";
import { PlatenError } from "../../wire/error.ts";
import { ERRORS } from "../../wire/errors.table.ts";

describe("describeFailure", () => {
  it("says the table's sentence and exits with its status", () => {
    const failure = describeFailure(new PlatenError("bad-name", { name: "Lobby!" }));
    expect(failure).toEqual({
      exit: 64,
      code: "bad-name",
      sentence: "“Lobby!” cannot be a name. Use 1 to 32 of a-z, 0-9 and -, not beginning with -.",
      details: { name: "Lobby!" },
    });
  });

  it("says the system's codes in words", () => {
    const missing = new PlatenError("no-input", { file: "a.pdf", why: "ENOENT" });
    expect(describeFailure(missing)?.sentence).toBe(
      "a.pdf cannot be read: there is no such file (ENOENT). Nothing was sent.",
    );
    const away = new PlatenError("broker-unreachable", { address: "print:8883", why: "ECONNREFUSED" });
    expect(describeFailure(away)?.sentence).toBe(
      "The broker at print:8883 does not answer (nothing listens there, ECONNREFUSED). Nothing is lost; check the network and try again.",
    );
  });

  it("tells a taken port as the setting it is", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const second = createServer().listen(port, "127.0.0.1");
    const [error] = await once(second, "error").catch((thrown) => [thrown]);
    taken.close();
    expect(describeFailure(error)).toMatchObject({ exit: 78, code: "config-invalid" });
    expect(describeFailure(error)?.sentence).toContain(
      `cannot listen on 127.0.0.1, port ${port}: another program listens there already (EADDRINUSE).`,
    );
  });

  it("words an unknown command as a sentence with the nearest name", () => {
    const error = new CommanderError(
      1,
      "commander.unknownCommand",
      "error: unknown command 'pinter'\n(Did you mean printer?)",
    );
    expect(describeFailure(error)).toMatchObject({
      exit: 64,
      sentence: "Unknown command “pinter”. Did you mean “printer”?",
    });
  });

  it("keeps what a wrong value should have been", () => {
    const message = "error: option '--copies <n>' argument 'x' is invalid. Use a whole number from 1 to 99";
    expect(describeFailure(new CommanderError(1, "commander.invalidArgument", message))?.sentence).toBe(
      "Option “--copies <n>” argument “x” is invalid. Use a whole number from 1 to 99. See --help.",
    );
  });

  it("takes help and version for no failure, and Ctrl-C for an interruption", () => {
    expect(describeFailure(new CommanderError(0, "commander.helpDisplayed", "(outputHelp)"))).toBeNull();
    expect(describeFailure(new DOMException("This operation was aborted", "AbortError"))?.exit).toBe(130);
  });

  it("tells a defect in one line, without its stack", () => {
    const failure = describeFailure(new TypeError("x is not a function\n  at y"));
    expect(failure).toMatchObject({ exit: 70, code: "internal" });
    expect(failure?.sentence).toBe("Something unexpected happened (x is not a function). Please report it.");
    expect(describeFailure(undefined)?.exit).toBe(70);
  });
});

describe("exit statuses", () => {
  it("documents every status an error can end with", () => {
    const documented = new Set(EXIT_STATUSES.map(([status]) => status));
    const possible = new Set(Object.values(ERRORS).map(({ exit }) => exit));
    expect([...possible].filter((status) => !documented.has(status))).toEqual([]);
  });
});
