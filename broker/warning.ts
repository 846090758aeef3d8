/** What an administrator should hear of in time. Worked out from the present state, so it ends when its cause does. */
export interface Warning {
  readonly kind:
    | "certificate-ending"
    | "certificate-failed"
    | "agent-certificate-ending"
    | "list-ending"
    | "list-failed";
  /** The list's target, the agent, or `broker`. */
  readonly subject: string;
  /** Unix seconds: when it ends. */
  readonly at: number;
  /** What happened and what to do. */
  readonly sentence: string;
}
