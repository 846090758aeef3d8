/** `platen panel card`: what the lights beside the printer mean, on paper. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CardSize } from "../agent/panel-card.ts";
import type { CardLanguage } from "../agent/panel-card-words.table.ts";
import { PlatenError } from "../wire/error.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";

interface CardChoice {
  readonly lang: string;
  readonly size: CardSize;
  readonly title: string;
  readonly output?: string;
}

export function addPanelCommands(program: Command): void {
  const panel = program.command("panel").description("the lights and the buzzer beside a printer");
  const card = panel
    .command("card")
    .description("draw the card for the printer: how to type, what each light and sound means (SVG)")
    .option(
      "--lang <list>",
      "languages, the first one bold: en,de,fr,it,es,pt,nl,pl,uk,tr",
      languageList,
      "en",
    )
    .addOption(
      new Option("--size <paper>", "the paper: a6 holds two languages, a5 four")
        .choices(["a6", "a5", "a4"])
        .default("a6"),
    )
    .option("--title <text>", "what stands at the top: the printer's name", "Platen")
    .option("-o, --output <file>", "where to; without it, stdout")
    .action(act(drawPanelCard));
  addExamples(card, [
    ["platen panel card --title lobby -o card.svg", "in English, A6"],
    ["platen panel card --lang de,en,fr,tr --size a5 > card.svg", "four languages, A5"],
  ]);
}

async function drawPanelCard({ options, terminal }: Context<CardChoice & GlobalOptions>): Promise<void> {
  const { CARD_LANGUAGES, drawCard } = await import("../agent/panel-card.ts");
  const asked = options.lang.split(",");
  const unknown = asked.find((language) => !(CARD_LANGUAGES as string[]).includes(language));
  if (unknown !== undefined) {
    const what = `There is no card in “${unknown}”. Use ${CARD_LANGUAGES.join(", ")}.`;
    throw new PlatenError("usage", { what });
  }
  const languages = [...new Set(asked)] as CardLanguage[];
  const svg = drawCard({ languages, size: options.size, title: options.title.slice(0, 60) });
  if (svg === null) {
    const what = `${languages.length} languages do not fit on ${options.size.toUpperCase()} in letters one can read. Use --size a5 or a4, or fewer languages.`;
    throw new PlatenError("usage", { what });
  }
  if (options.output === undefined) {
    terminal.stdout.write(svg);
    return;
  }
  try {
    writeFileSync(options.output, svg);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new PlatenError(
      "storage-failed",
      { where: options.output, why, meaning: "Nothing was written." },
      error,
    );
  }
  terminal.printJson({ file: options.output, languages, size: options.size });
  terminal.print(
    `The card is in ${options.output}. Print it at its own size (100 %), and put it beside the keypad.`,
  );
}

function languageList(text: string): string {
  const list = text.toLowerCase().replaceAll(/\s/g, "");
  if (!/^[a-z]{2}(,[a-z]{2})*$/.test(list)) throw new InvalidArgumentError("Use a list like de,en,fr");
  return list;
}
