// Waiting with an end, and saying what is wrong.

export class Failure extends Error {}

export function fail(message: string): never {
  throw new Failure(message);
}

export function check(holds: unknown, message: string): asserts holds {
  if (!holds) fail(message);
}

export function same(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) fail(`${what}: ${a}, expected ${b}`);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** `promise`, but for no longer than `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure(`waited ${ms / 1000} s for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `holds`; `what` may tell how far it has come. */
export async function until(ms: number, what: string | (() => string), holds: () => unknown): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) fail(`waited ${ms / 1000} s for ${typeof what === "string" ? what : what()}`);
    await sleep(200);
  }
}
