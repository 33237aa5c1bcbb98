// HTTP beside the WebSocket: with the token, where there is one.

const kKey = "emotiond.token";

/** The token lives as long as the tab. */
export const token = {
  get(): string | null {
    return sessionStorage.getItem(kKey);
  },
  set(value: string | null): void {
    if (value === null) sessionStorage.removeItem(kKey);
    else sessionStorage.setItem(kKey, value);
  },
};

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | undefined>;

/** The address of `path` beside the page, whatever path the page itself is served under. */
export function address(path: string, query: Query = {}): string {
  const url = new URL(path, location.origin + location.pathname);
  for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
  return url.href;
}

export function socketAddress(): string {
  return address("v1/stream").replace(/^http/, "ws");
}

async function answer(path: string, query: Query, signal?: AbortSignal): Promise<Response> {
  const held = token.get();
  const response = await fetch(address(path, query), {
    headers: held === null ? {} : { Authorization: `Bearer ${held}` },
    cache: "no-store",
    ...(signal ? { signal } : {}),
  });
  if (response.ok) return response;
  let code = "";
  let message = `${response.status} ${response.statusText}`;
  try {
    const told = (await response.json()) as { error?: { code?: string; message?: string } };
    code = told.error?.code ?? "";
    message = told.error?.message ?? message;
  } catch {
    // An answer that is no JSON has only its status.
  }
  throw new ApiError(response.status, code, message);
}

export async function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await (await answer(path, query, signal)).json()) as T;
}

export async function getBlob(path: string, query: Query = {}): Promise<Blob> {
  return (await answer(path, query)).blob();
}

/** Hands the reader a file. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
