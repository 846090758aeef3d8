/** What the soak's parent and its process of senders say to each other. Shapes only. */
import type { JobStatus } from "../../../wire/status.ts";
import type { BodyKind } from "./body.ts";

export interface Person {
  readonly user: string;
  /** The folder of the profile. */
  readonly dir: string;
}

export interface Order {
  readonly kind: "send";
  readonly user: string;
  readonly job: string;
  readonly target: string;
  readonly bytes: number;
  readonly body: BodyKind;
  readonly copies: number;
  /** Seconds from now; null: the target's policy. */
  readonly expiresInS: number | null;
  /** Logs in anew, as the command does; else over the line that stays. */
  readonly freshLogin: boolean;
}

export type ToSenders = Order | { readonly kind: "cancel"; readonly user: string; readonly job: string };

export type FromSenders =
  | { readonly kind: "ready" }
  | { readonly kind: "began"; readonly job: string; readonly ms: number }
  | { readonly kind: "stored"; readonly job: string; readonly otp: string; readonly ms: number }
  | { readonly kind: "status"; readonly job: string; readonly status: JobStatus }
  /** Given up: the sender was told `code`. */
  | { readonly kind: "cancel-failed"; readonly job: string }
  | { readonly kind: "failed"; readonly job: string; readonly what: string };
