/** What an administrator should hear of in time. Worked out from the present state, so it ends when its cause does. */
export interface Warning {
  readonly kind:
    | "certificate-ending"
    | "certificate-failed"
    | "authority-changed"
    | "agent-certificate-ending"
    | "clock-doubtful"
    | "boot-share-lost"
    | "list-ending"
    | "list-failed"
    | "tamper"
    | "printer-care"
    | "paper-low"
    | "line-errors";
  /** The list's target, the printer, the agent, or `broker`. */
  readonly subject: string;
  /** Unix seconds: when something ends; for what has no end, now. */
  readonly at: number;
  /** What happened and what to do. */
  readonly sentence: string;
}
