/** What every device must do, whatever it is made of. Each implementation and the fake run this suite. */
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type Device, DeviceError } from "../../agent/device.ts";

/** A device and the other side of its wire. What a kind of device cannot do is left out. */
export interface Rig {
  readonly device: Device;
  /** All bytes that reached the other side, at least `sizeBytes` of them; called after `drain` and `close`. */
  received(sizeBytes: number): Promise<Uint8Array>;
  /** The printer speaks. */
  say?(bytes: Uint8Array): void;
  /** The printer stops taking bytes, and goes on. */
  stall?(): void;
  resume?(): void;
  /** The cable is pulled. */
  vanish?(): Promise<void> | void;
  dispose(): Promise<void> | void;
}

export interface Traits {
  readonly skip?: boolean;
  readonly stalls: boolean;
  readonly speaks: boolean;
  readonly vanishes: boolean;
}

/** More than any buffer on the way holds. */
const TOO_MUCH = 24 * 1024 * 1024;
const CHUNK = randomBytes(65_536);

export function describeDevice(name: string, traits: Traits, openRig: () => Promise<Rig>): void {
  describe.skipIf(traits.skip === true)(name, () => {
    let rigs: Rig[] = [];
    const open = async (): Promise<Rig> => {
      const rig = await openRig();
      rigs.push(rig);
      return rig;
    };
    afterEach(async () => {
      for (const rig of rigs) {
        await rig.device.close();
        await rig.dispose();
      }
      rigs = [];
    });
    describeUse(open);
    describeMisuse(open);
    describeAbort(open);
    if (traits.speaks) describeBackChannel(open);
    if (traits.stalls) describeStall(open);
    if (traits.vanishes) describeVanishing(open);
  });
}

type Open = () => Promise<Rig>;

function describeUse(open: Open): void {
  it("delivers every byte in order, whatever the sizes", async () => {
    const { device, received } = await open();
    const sizes = [0, 1, 4095, 4096, 4097, 0, 65_536, 200_001, 3];
    const pieces = sizes.map((size) => randomBytes(size));
    for (const piece of pieces) await device.write(piece);
    expect(device.bytesWritten).toBe(Buffer.concat(pieces).length);
    await device.drain();
    await device.close();
    const sent = Buffer.concat(pieces);
    expect(sent.equals(await received(sent.length))).toBe(true);
  });

  it("passes every byte value, those of flow control and terminals too", async () => {
    const { device, received } = await open();
    const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
    await device.write(all);
    await device.drain();
    await device.close();
    expect(Buffer.from(await received(512)).equals(all)).toBe(true);
  });

  it("delivers an empty job", async () => {
    const { device, received } = await open();
    await device.drain();
    await device.close();
    expect((await received(0)).length).toBe(0);
  });

  it("tells its status in time, even if that is unknown", async () => {
    const { device } = await open();
    const status = await device.status(500);
    expect(["yes", "no", "unknown"]).toContain(status.ready);
    if (status.ready === "yes") expect(status.reason).toBeNull();
  });
}

function describeMisuse(open: Open): void {
  it("refuses a write while another is under way", async () => {
    const { device, received } = await open();
    const first = device.write(randomBytes(1000));
    await expect(device.write(randomBytes(1))).rejects.toThrow(TypeError);
    await expect(device.drain()).rejects.toThrow(TypeError);
    await first;
    await device.drain();
    await device.close();
    expect((await received(1000)).length).toBe(1000);
  });

  it("refuses use after close, and closes twice without a word", async () => {
    const { device } = await open();
    await device.close();
    await device.close();
    await expect(device.write(randomBytes(1))).rejects.toThrow(TypeError);
    await expect(device.drain()).rejects.toThrow(TypeError);
    for await (const _ of device.read()) throw new Error("a closed device spoke");
    expect((await device.status()).ready).toBe("unknown");
  });

  it("sends nothing for a signal that fired before, and is used up by it", async () => {
    const { device } = await open();
    const failure = await failureOf(device.write(randomBytes(10), AbortSignal.abort()));
    expect(failure.code).toBe("device-aborted");
    expect(failure.taken).toEqual({ atLeast: 0, atMost: 0 });
    await expect(device.write(randomBytes(1))).rejects.toThrow(TypeError);
  });
}

function describeAbort(open: Open): void {
  it("never calls a write done that was aborted half-way", async () => {
    const { device } = await open();
    const giving = new AbortController();
    const writing = failureOf(device.write(randomBytes(2_000_000), giving.signal));
    giving.abort();
    const failure = await writing;
    expect(failure.code).toBe("device-aborted");
    expect(failure.taken?.atMost).toBeLessThan(2_000_000);
  });
}

function describeBackChannel(open: Open): void {
  it("hands on what the printer says, until close", async () => {
    const { device, say } = await open();
    const reader = device.read()[Symbol.asyncIterator]();
    say?.(Uint8Array.of(0x16, 0x00, 0xff));
    const heard: number[] = [];
    while (heard.length < 3) {
      const { value, done } = await reader.next();
      if (done) throw new Error("the back-channel ended");
      heard.push(...value);
    }
    expect(heard).toEqual([0x16, 0x00, 0xff]);
    const last = reader.next();
    await device.close();
    expect((await last).done).toBe(true);
  });
}

function describeStall(open: Open): void {
  it("waits for a printer that pauses, and loses nothing", async () => {
    const { device, stall, resume, received } = await open();
    stall?.();
    const count = 60;
    const writing = writeChunks(device, count);
    await holds(device);
    resume?.();
    await writing;
    await device.drain();
    await device.close();
    const size = count * CHUNK.length;
    expect((await received(size)).length).toBe(size);
  });

  it("stops a stalled transfer on abort, with honest bounds", async () => {
    const { device, stall } = await open();
    stall?.();
    const giving = new AbortController();
    const writing = failureOf(writeUntilFailure(device, giving.signal));
    await holds(device);
    giving.abort(new DeviceError("device-aborted", "paper", "out of paper for too long"));
    const failure = await writing;
    expect(failure).toMatchObject({ code: "device-aborted", reason: "paper" });
    expect(failure.taken?.atLeast).toBeLessThanOrEqual(device.bytesWritten);
    expect(failure.taken?.atMost).toBeGreaterThanOrEqual(device.bytesWritten);
    await expect(device.write(CHUNK)).rejects.toThrow(TypeError);
  });

  it("lets go at once while a transfer is stalled", async () => {
    const { device, stall } = await open();
    stall?.();
    const writing = failureOf(writeUntilFailure(device));
    await holds(device);
    await device.close();
    expect((await writing).code).toBe("device-aborted");
  });
}

function describeVanishing(open: Open): void {
  it("notices a printer that vanishes, and says what it may have taken", async () => {
    const { device, vanish } = await open();
    await device.write(randomBytes(100));
    await vanish?.();
    const failure = await failureOf(writeUntilFailure(device));
    expect(failure).toMatchObject({ code: "device-gone", reason: "cable" });
    expect(failure.taken?.atLeast).toBeLessThanOrEqual(failure.taken?.atMost ?? -1);
    expect(failure.taken?.atMost).toBeGreaterThanOrEqual(100);
    await expect(device.drain()).rejects.toThrow(TypeError);
  });

  it("never drains into a printer that vanished", async () => {
    const { device, vanish } = await open();
    await device.write(randomBytes(100));
    await vanish?.();
    expect((await failureOf(device.drain())).code).toBe("device-gone");
  });
}

async function writeChunks(device: Device, count: number, signal?: AbortSignal): Promise<void> {
  for (let index = 0; index < count; index += 1) await device.write(CHUNK, signal);
}

async function writeUntilFailure(device: Device, signal?: AbortSignal): Promise<void> {
  await writeChunks(device, TOO_MUCH / CHUNK.length, signal);
  await device.drain(signal);
}

/** Resolves when no byte moved for a while. Too early would weaken a test, not fail it. */
export async function holds(device: Device): Promise<void> {
  let before = -1;
  for (let quiet = 0; quiet < 40; quiet += 1) {
    if (device.bytesWritten !== before) quiet = 0;
    before = device.bytesWritten;
    await turn();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The DeviceError it rejects with; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<DeviceError> {
  const failure = await promise.then(
    () => new Error("it did not fail"),
    (cause: unknown) => cause,
  );
  if (failure instanceof DeviceError) return failure;
  throw failure;
}
