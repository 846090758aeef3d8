/** What a program's environment has beside ours. */
export type Environment = Readonly<Record<string, string>>;

/** A child takes over our environment as it is when it begins: `start` must spawn before it awaits anything. */
export function startWithin<T>(environment: Environment, start: () => T): T {
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    return start();
  } finally {
    for (const key of Object.keys(environment)) {
      if (before[key] === undefined) delete process.env[key];
      else process.env[key] = before[key];
    }
  }
}
