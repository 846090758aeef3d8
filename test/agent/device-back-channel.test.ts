import fc from "fast-check";
import { expect, it } from "vitest";
import { BackChannel } from "../../agent/device-back-channel.ts";

async function readAll(channel: BackChannel): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of channel) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it("hands on everything that fits, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 }), async (chunks) => {
      const channel = new BackChannel();
      for (const chunk of chunks) channel.push(chunk);
      channel.end();
      expect((await readAll(channel)).equals(Buffer.concat(chunks))).toBe(true);
    }),
  );
});

it("keeps the newest 64 KiB where nobody reads", async () => {
  const channel = new BackChannel();
  for (let index = 0; index < 1000; index += 1) channel.push(new Uint8Array(1024).fill(index % 256));
  channel.end();
  const kept = await readAll(channel);
  expect(kept.length).toBe(65_536);
  expect(kept.at(-1)).toBe(999 % 256);
});

it("wakes a reader that waits", async () => {
  const channel = new BackChannel();
  const reading = readAll(channel);
  channel.push(Uint8Array.of(1));
  await Promise.resolve();
  channel.push(Uint8Array.of(2));
  channel.end();
  expect([...(await reading)]).toEqual([1, 2]);
});
