/** Completion scripts for bash, zsh and fish, written from the command tree, so that they cannot lag behind it. */
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly what: string;
}

/** One place in the tree: `path` is the words typed to get there, `""` for the root. */
interface Place {
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly (Word & { readonly short: string; readonly value: boolean })[];
  /** True where arguments follow, for which file names are offered. */
  readonly files: boolean;
}

export function listPlaces(program: Command): Place[] {
  return listFrom(program, "", []);
}

function listFrom(command: Command, path: string, inherited: Place["options"]): Place[] {
  const own = command.options.map((option) => ({
    word: option.long ?? "",
    short: option.short ?? "",
    what: option.description,
    value: option.required || option.optional,
  }));
  const help = { word: "--help", short: "-h", what: "show help", value: false };
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const commands = [
    ...command.commands.map((child) => ({ word: child.name(), what: firstSentence(child) })),
    ...choices.map((word) => ({ word, what: word })),
  ];
  const global = path === "" ? own.filter(({ word }) => word !== "--version") : inherited;
  const options = path === "" ? [...own, help] : [...own, ...inherited, help];
  const place = { path, commands, options, files: command.registeredArguments.length > 0 };
  return [
    place,
    ...command.commands.flatMap((child) => listFrom(child, `${path} ${child.name()}`.trim(), global)),
  ];
}

function firstSentence(command: Command): string {
  return (command.summary() || command.description()).split("\n")[0] ?? "";
}

export function writeCompletion(shell: Shell, program: Command): string {
  const places = listPlaces(program);
  switch (shell) {
    case "bash":
      return writeBash(places);
    case "zsh":
      return writeZsh(places);
    case "fish":
      return writeFish(places);
  }
}

/** Options after which the next word is a value and no command. */
function valueOptions(places: readonly Place[]): string {
  const all = places.flatMap(({ options }) => options.filter(({ value }) => value));
  return [...new Set(all.flatMap(({ word, short }) => [word, short]).filter(Boolean))].join("|");
}

function subcommandPaths(places: readonly Place[]): string[] {
  return places.filter(({ path }) => path !== "").map(({ path }) => path);
}

/** The walk to the place where the cursor stands, the same in bash and zsh. */
function writeWalk(places: readonly Place[]): string {
  return `    case "$word" in
      ${valueOptions(places)}) skip=1; continue;;
    esac
    case "\${at:+$at }$word" in
      ${subcommandPaths(places)
        .map((path) => `"${path}"`)
        .join("|")}) at="\${at:+$at }$word";;
    esac`;
}

function writeBash(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = commands.map(({ word }) => word).join(" ");
    return `    "${path}") words="${words}"; options="${options.map(({ word }) => word).join(" ")}";;`;
  });
  return `# platen completion for bash. Install:  platen completion bash > ~/.local/share/bash-completion/completions/platen
_platen() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" at="" skip=0 word words="" options="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if ((skip)); then skip=0; continue; fi
${writeWalk(places)}
  done
  COMPREPLY=()
  ((skip)) && return
  case "$at" in
${cases.join("\n")}
  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ -n "$words" ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o default -F _platen platen
`;
}

function writeZsh(places: readonly Place[]): string {
  const quote = ({ word, what }: Word) => `'${word}:${what.replace(/'/g, "'\\''").replace(/:/g, "\\:")}'`;
  const cases = places.map(({ path, commands, options }) => {
    return `    "${path}") words_here=(${commands.map(quote).join(" ")}); options_here=(${options.map(quote).join(" ")});;`;
  });
  return `#compdef platen
# platen completion for zsh. Install:  platen completion zsh > "\${fpath[1]}/_platen"
_platen() {
  local at="" word skip=0 i
  local -a words_here options_here
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if ((skip)); then skip=0; continue; fi
${writeWalk(places)}
  done
  if ((skip)); then _files; return; fi
  case "$at" in
${cases.join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe 'option' options_here
  elif ((\${#words_here})); then _describe 'command' words_here
  else _files; fi
}
if [[ "\${funcstack[1]}" = _platen ]]; then _platen "$@"; else compdef _platen platen; fi
`;
}

function writeFish(places: readonly Place[]): string {
  const quote = (text: string) => `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'`;
  const lines = places.flatMap(({ path, commands, options, files }) => {
    const here = `complete -c platen -n '__platen_at ${path}'`;
    return [
      ...(files ? [] : [`${here} -f`]),
      ...commands.map(({ word, what }) => `${here} -f -a ${word} -d ${quote(what)}`),
      ...options.map(
        ({ word, short, what, value }) =>
          `${here} -l ${word.slice(2)}${short ? ` -s ${short.slice(1)}` : ""}${value ? " -r" : ""} -d ${quote(what)}`,
      ),
    ];
  });
  return `# platen completion for fish. Install:  platen completion fish > ~/.config/fish/completions/platen.fish
function __platen_at
  set -l at ''
  set -l skip 0
  for word in (commandline -opc)[2..]
    if test $skip = 1; set skip 0; continue; end
    switch $word
      case ${valueOptions(places).replaceAll("|", " ")}
        set skip 1
      case '*'
        set -l next (string trim "$at $word")
        if contains -- "$next" ${subcommandPaths(places).map(quote).join(" ")}
          set at $next
        end
    end
  end
  test "$at" = "$argv"
end
${lines.join("\n")}
`;
}
