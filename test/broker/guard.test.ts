import { describe, expect, it, test } from "vitest";
import { foldAddress } from "../../broker/guard.ts";
import { isWillAllowed, type Login, readLogin, sessionId } from "../../broker/guard-connect.ts";

const connect = (fields: object) =>
  ({ cmd: "connect", clientId: "any", ...fields }) as Parameters<typeof readLogin>[0];
const bytes = (text: string) => Buffer.from(text);

describe("a CONNECT", () => {
  test.each([
    [
      "NUL in the client id",
      connect({ clientId: "a\0b", username: "alice", password: bytes("x") }),
      "identifier",
    ],
    [
      "a control character",
      connect({ clientId: "a\x1bb", username: "alice", password: bytes("x") }),
      "identifier",
    ],
    [
      "bad UTF-8 in the client id",
      connect({ clientId: "a\ufffdb", username: "alice", password: bytes("x") }),
      "identifier",
    ],
    [
      "a client id too long",
      connect({ clientId: "a".repeat(129), username: "alice", password: bytes("x") }),
      "identifier",
    ],
    ["NUL in the user", connect({ username: "ali\0ce", password: bytes("x") }), "credentials"],
    ["bad UTF-8 in the user", connect({ username: "ali\ufffdce", password: bytes("x") }), "credentials"],
    ["a slash in the user", connect({ username: "alice/bob", password: bytes("x") }), "credentials"],
    ["no user", connect({ password: bytes("x") }), "credentials"],
    ["no password", connect({ username: "alice" }), "credentials"],
    ["a password too long", connect({ username: "alice", password: Buffer.alloc(257, 65) }), "credentials"],
    [
      "bad UTF-8 in the password",
      connect({ username: "alice", password: Buffer.from([0xc3, 0x28]) }),
      "credentials",
    ],
    ["a claim with another client id", connect({ username: "$claim", password: bytes("x") }), "identifier"],
    ["an unknown $ user", connect({ username: "$admin", password: bytes("x") }), "credentials"],
  ])("with %s is refused", (_, packet, fault) => {
    expect(readLogin(packet, null)).toBe(fault);
  });

  it("with a certificate is that agent's and nobody else's", () => {
    expect(readLogin(connect({ clientId: "lobby" }), "lobby")).toEqual({ kind: "agent", name: "lobby" });
    expect(readLogin(connect({ clientId: "attic" }), "lobby")).toBe("identifier");
    expect(readLogin(connect({ clientId: "lobby", username: "alice" }), "lobby")).toBe("not-authorized");
  });

  it("without a certificate is no agent's, whatever its client id", () => {
    const login = readLogin(
      connect({ clientId: "lobby", username: "alice", password: bytes("x") }),
      null,
    ) as Login;
    expect(login.kind).toBe("user");
    expect(sessionId(login, "lobby", () => "r")).toBe("user/alice/lobby");
    expect(sessionId({ kind: "agent", name: "lobby" }, "lobby", () => "r")).toBe("agent/lobby");
  });

  it("may leave a will only as an agent, on its own presence", () => {
    const will = {
      topic: "platen/v1/agents/lobby/presence",
      payload: bytes("{}"),
      qos: 1 as const,
      retain: true,
    };
    const lobby: Login = { kind: "agent", name: "lobby" };
    expect(isWillAllowed(lobby, will)).toBe(true);
    expect(isWillAllowed({ kind: "agent", name: "attic" }, will)).toBe(false);
    expect(isWillAllowed(lobby, { ...will, topic: "platen/v1/status/alice/x" })).toBe(false);
    expect(isWillAllowed(lobby, { ...will, qos: 2 })).toBe(false);
    expect(isWillAllowed({ kind: "user", name: "alice", password: "x" }, will)).toBe(false);
  });
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::9", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
])("%s counts as %s", (address, folded) => {
  expect(foldAddress(address)).toBe(folded);
});
