/** `platen image ...`: cards for Raspberry Pis. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { PlatenError } from "../wire/error.ts";
import { askBroker } from "./admin-call.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { confirm } from "./confirmation.ts";
import type { SetupWishes } from "./image/prepare.ts";
import { ProgressBar } from "./progress-bar.ts";
import { readSecret } from "./secret-input.ts";
import { formatBytes } from "./size.ts";
import type { Terminal } from "./terminal.ts";

export function addImageCommands(program: Command): void {
  const image = program.command("image").description("cards for Raspberry Pis: prepare an image, flash it");
  addPrepare(image);
  addFlash(image);
  addCardHalf(image);
}

interface PrepareOptions {
  readonly printer: string;
  readonly claimCode?: string;
  readonly replace?: boolean;
  readonly base?: string;
  readonly broker?: string;
  readonly wifi?: string;
  readonly wifiPassword?: string;
  readonly country?: string;
  readonly uri?: string;
  readonly profile?: string;
  readonly ntp?: string;
  readonly sshKey?: string;
  readonly output?: string;
}

function addPrepare(image: Command): void {
  const prepare = image
    .command("prepare")
    .description("write the set-up file of one printer into an image; nothing is mounted")
    .argument("<image>", "as it was downloaded; one that is compressed needs -o")
    .requiredOption(
      "--printer <name>",
      "the printer; on the broker's machine it is added where it is not there",
    )
    .option(
      "--claim-code <code>",
      "its claim code, - reads it from stdin; without it, the broker here is asked for one",
    )
    .option("--replace", "the printer is there already: revoke its old computer and take its place")
    .option("--base <file>", "a platen.toml with what all printers share: Wi-Fi, time server, SSH key")
    .option("--broker <address>", "where the broker is, if not where the claim code says")
    .option("--wifi <name>", "the Wi-Fi's name, where there is no cable")
    .option(
      "--wifi-password <text>",
      "its password; - reads it from stdin, so that it shows neither in ps nor in history",
    )
    .option("--country <code>", "where it stands, as in DE: Wi-Fi needs it")
    .option("--uri <uri>", "the printer's address, if it is not the one on USB")
    .option("--profile <name>", "what the printer understands, if it does not say so itself")
    .option("--ntp <hosts>", "time servers, separated by commas")
    .option("--ssh-key <file>", "whoever has the other half of this key may come in; without it nobody")
    .option("-o, --output <file>", "write a copy there, unpacked, and leave the image as it is")
    .action(act(prepareImage));
  addExamples(prepare, [
    ["platen image prepare platen.img --printer lobby", "on the broker's machine: adds the printer too"],
    [
      "platen image prepare platen.img.zst -o lobby.img --printer lobby --base office.toml",
      "unpacks; Wi-Fi from office.toml",
    ],
    ["platen image prepare platen.img --printer lobby --replace", "for a new card when the old one died"],
    ["platen image prepare platen.img --printer lobby --claim-code -", "elsewhere: paste the code"],
  ]);
}

async function prepareImage(context: Context<PrepareOptions & GlobalOptions>): Promise<void> {
  const { args, options, terminal } = context;
  const [path = ""] = args;
  if (options.claimCode === "-" && options.wifiPassword === "-") {
    throw new PlatenError("usage", {
      what: "Only one of --claim-code and --wifi-password can come from stdin. Put the password into a file for --base.",
    });
  }
  const { composeSetup, prepareImage: write } = await import("./image/prepare.ts");
  const base = options.base === undefined ? null : readInput(options.base);
  const wishes = await readWishes(options, terminal);
  // Before the broker gives a code away for nothing, and revokes a computer for it: all that may be wrong here.
  composeSetup(wishes, base);
  const bar = new ProgressBar("Copying", terminal.stderr);
  const { statSync } = await import("node:fs");
  let expires: number | null = null;
  const makeText = async (): Promise<string> => {
    bar.clear();
    const claim = await findClaim(options, terminal);
    ({ expires } = claim);
    return composeSetup({ ...wishes, claim: claim.code }, base);
  };
  await write(path, options.output ?? null, makeText, (done) =>
    bar.update({ done, total: statSync(path).size }),
  ).finally(() => bar.clear());
  const out = options.output ?? path;
  terminal.printJson({ image: out, printer: options.printer, expires });
  terminal.print(
    `${out} is the card of “${options.printer}” now. Whoever has it can take the printer's place until it has started once: flash it, then remove it.\n\n` +
      `  platen image flash ${out} /dev/sdX`,
  );
}

async function readWishes(options: PrepareOptions, terminal: Terminal): Promise<SetupWishes> {
  const { broker, wifi, country, uri, profile, ntp, sshKey, printer: name } = options;
  const password =
    options.wifiPassword === undefined
      ? undefined
      : await readSecret(options.wifiPassword, "Wi-Fi password", terminal);
  const given = <K extends string, V>(key: K, value: V | undefined) =>
    (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
  return {
    ...given("broker", broker),
    ...(wifi !== undefined && {
      wifi: { name: wifi, ...given("password", password), ...given("country", country) },
    }),
    ...((uri !== undefined || profile !== undefined) && {
      printer: { name, uri: uri ?? "usb:", ...given("profile", profile) },
    }),
    ...given(
      "ntp",
      ntp?.split(",").map((host) => host.trim()),
    ),
    ...given("sshKey", sshKey === undefined ? undefined : readInput(sshKey).toString("utf8").trim()),
  };
}

function readInput(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new PlatenError("config-unreadable", { file, why: (cause as Error).message }, cause);
  }
}

interface Claim {
  readonly code: string;
  readonly expires: number | null;
}

/** Given, or of the broker on this machine: a printer that has no computer yet gets a fresh code. */
async function findClaim(options: PrepareOptions & GlobalOptions, terminal: Terminal): Promise<Claim> {
  if (options.claimCode !== undefined) {
    return { code: await readSecret(options.claimCode, "claim code", terminal), expires: null };
  }
  const { printer: name } = options;
  const { printers } = await askBroker(options, "printer.list", {});
  const known = printers.find((row) => row.name === name);
  if (known !== undefined && known.state !== "waiting" && options.replace !== true) {
    throw new PlatenError("already-there", {
      what: `The printer “${name}”`,
      hint: "To give its place to a new card add --replace: the old computer is revoked at once, and what waits there is destroyed.",
    });
  }
  const claim =
    known === undefined
      ? await askBroker(options, "printer.add", { name })
      : await askBroker(options, "printer.replace", { name });
  if (claim.code === null) throw new PlatenError("internal", { what: "no claim code came" });
  return { code: claim.code, expires: claim.expires };
}

interface FlashOptions {
  readonly key?: string;
  readonly yes?: boolean;
}

function addFlash(image: Command): void {
  const flash = image
    .command("flash")
    .description("write an image to a card and read it back; refuses disks that are in use")
    .argument("<image>", ".img, or compressed as .zst, .xz or .gz")
    .argument("<device>", "the whole disk, as in /dev/sdb or /dev/mmcblk0")
    .option("--key <file>", "minisign public key: SHA256SUMS beside the image must be signed with it")
    .option("--yes", "do not ask; everything on the disk is erased")
    .action(act(flashCard));
  addExamples(flash, [
    ["lsblk -o NAME,SIZE,MODEL,TRAN", "which disk is the card?"],
    ["sudo platen image flash lobby.img /dev/sdb", "shows what it is, asks, writes, verifies"],
    ["sudo platen image flash platen.img.zst /dev/sdb --key platen.pub", "only what is signed"],
  ]);
}

async function flashCard({ args, options, terminal }: Context<FlashOptions & GlobalOptions>): Promise<void> {
  const [path = "", device = ""] = args;
  const [{ describeDisk }, { describeImage, proveImage }, { flashImage }] = await Promise.all([
    import("./image/disk.ts"),
    import("./image/image-file.ts"),
    import("./image/flash.ts"),
  ]);
  const file = describeImage(path);
  const disk = describeDisk(device);
  const withBar = async <T>(label: string, work: (bar: ProgressBar) => Promise<T>): Promise<T> => {
    const bar = new ProgressBar(label, terminal.stderr);
    return await work(bar).finally(() => bar.clear());
  };
  const proof = await withBar("Checking ", (bar) =>
    proveImage(file, options.key ?? null, (done) => bar.update({ done, total: file.sizeBytes })),
  );
  terminal.note(PROOFS[proof]);
  const kind = disk.isRemovable ? "" : " It is no removable disk: look twice.";
  terminal.note(
    `${disk.path}: ${disk.model}, ${formatBytes(disk.sizeBytes)}.${kind} Everything on it will be erased.`,
  );
  await confirm(`Write ${path} to ${disk.path}?`, options.yes ?? false, terminal);
  const verifying = new ProgressBar("Verifying", terminal.stderr);
  const flashed = await withBar("Writing  ", (bar) =>
    flashImage(file, disk, {
      onWrite: (done) => bar.update({ done, total: file.sizeBytes }),
      onVerify: (done, total) => verifying.update({ done, total }),
    }),
  ).finally(() => verifying.clear());
  terminal.printJson({ device: disk.path, ...flashed, proof });
  terminal.print(
    `${disk.path} holds the image, ${formatBytes(flashed.bytes)}, read back and compared. It may be pulled out.`,
  );
}

const PROOFS = {
  signed: "The image, its set-up file aside, is what the key's owner signed.",
  digest:
    "The image, its set-up file aside, is what SHA256SUMS beside it names. With --key its signature is checked too.",
  none: "No SHA256SUMS beside the image names it: whether it is whole was not checked.",
} as const;

/** What the image runs itself, at its start and when its agent has spoken. */
function addCardHalf(image: Command): void {
  image
    .command("setup")
    .description("on the Pi itself: read platen.toml on the card and write this machine's settings")
    .requiredOption("--card <dir>", "the FAT partition, writable")
    .requiredOption("--out <dir>", "where this machine's settings are kept")
    .requiredOption("--orders <dir>", "what the agent is told (platen agent --setup)")
    .action(
      act<{ card: string; out: string; orders: string }>(async ({ options, terminal }) => {
        const { applySetup } = await import("../agent/setup-root.ts");
        const outcome = applySetup(options);
        terminal.printJson(outcome);
        terminal.print(outcome.kind === "mistake" ? outcome.problem : OUTCOMES[outcome.kind]);
      }),
    );
  image
    .command("settle")
    .description("on the Pi itself: tell the card what came of it, and erase the claim code that was used")
    .requiredOption("--card <dir>", "the FAT partition, writable")
    .requiredOption("--out <dir>", "where this machine's settings are kept")
    .requiredOption("--reports <dir>", "where the agent reports")
    .action(
      act<{ card: string; out: string; reports: string }>(async ({ options }) => {
        const { settleSetup } = await import("../agent/setup-root.ts");
        settleSetup(options, options.reports);
      }),
    );
}

const OUTCOMES = {
  settled: "Nothing on the card is new.",
  applied: "The settings of the card hold now.",
} as const;
