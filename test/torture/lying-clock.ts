/** A clock that lies to programs, by libfaketime. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import type { Environment } from "./environment.ts";

/** libfaketime, where Debian puts it. */
export const FAKETIME = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

const TRUE_RUNNING_TIME = { FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" } as const;

/** A clock that is off by what a file says; programs read it at every question for the time. */
export class LyingClock {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.set(0);
  }

  set(offsetSeconds: number): void {
    writeFileSync(this.#file, `${offsetSeconds < 0 ? "-" : "+"}${Math.abs(offsetSeconds)}\n`);
  }

  /** `wall`: running time stays true. `both`: time itself passes, timers included; it must not be put back then. */
  environment(which: "wall" | "both"): Environment {
    return {
      LD_PRELOAD: FAKETIME ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      ...(which === "wall" && TRUE_RUNNING_TIME),
    };
  }
}

/** What libfaketime shares between processes outlives a killed one. */
export function sweepAfter(pid: number | undefined): void {
  for (const name of ["faketime_shm", "sem.faketime_sem"]) rmSync(`/dev/shm/${name}_${pid}`, { force: true });
}
