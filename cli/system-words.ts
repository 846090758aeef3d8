/** The operating system's error codes in words; the code stays beside them for whoever searches for it. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "not allowed",
  EPERM: "not allowed",
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  EMFILE: "too many files are open",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
  EADDRINUSE: "another program listens there already",
  EADDRNOTAVAIL: "this machine has no such address",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection broke",
  EHOSTUNREACH: "there is no way to that machine",
  ENETUNREACH: "there is no network",
  ENOTFOUND: "no machine has that name",
  EAI_AGAIN: "the name cannot be looked up now",
  ETIMEDOUT: "no answer in time",
};

/** `... cannot be read: ENOENT.` as `... cannot be read: there is no such file (ENOENT).` */
export function wordSystemCode(sentence: string, code: unknown): string {
  const words = typeof code === "string" && Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  if (words === undefined) return sentence;
  const bracketed = sentence.replace(`(${code})`, `(${words}, ${code})`);
  return bracketed === sentence ? sentence.replace(String(code), `${words} (${code})`) : bracketed;
}
