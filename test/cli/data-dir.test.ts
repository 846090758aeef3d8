import { describe, expect, it } from "vitest";
import { findConfigFile, namedDataDir } from "../../cli/data-dir.ts";

const home = "/home/alice";
const nowhere = { env: {}, home, exists: () => false };

describe("data directories", () => {
  it("takes --data before the environment before the program's own", () => {
    expect(namedDataDir("broker", "/srv/b", { PLATEN_DATA: "/data" })).toBe("/srv/b");
    expect(namedDataDir("broker", undefined, { PLATEN_DATA: "/data" })).toBe("/data/broker");
    expect(namedDataDir("agent", undefined, {})).toBeUndefined();
  });

  it("takes the person's settings before the system's, and none where there are none", () => {
    const own = "/home/alice/.config/platen/agent.toml";
    expect(findConfigFile("agent", nowhere)).toBeUndefined();
    expect(findConfigFile("agent", { ...nowhere, exists: (path) => path.startsWith("/etc") })).toBe(
      "/etc/platen/agent.toml",
    );
    expect(findConfigFile("agent", { ...nowhere, exists: () => true })).toBe(own);
  });
});
