/** How a request ended. Every place that asks switches over `kind` and leaves nothing out. */
export type Fetched<T> =
  | { kind: "ok"; value: T }
  /** The page asked for something else meanwhile; nothing to show. */
  | { kind: "aborted" }
  /** The server answered and said no: `code` for the page, `message` for the person in front of it. */
  | { kind: "refused"; status: number; code: string; message: string }
  /** No answer that could be read: network down, server stopped, proxy in between. */
  | { kind: "unreachable" };

/** The server's answer to what it refuses. */
interface ErrorBody {
  error: { code: string; message: string };
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const error: unknown = body.error;
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    typeof error.code === "string" &&
    "message" in error &&
    typeof error.message === "string"
  );
}

async function refusal(response: Response): Promise<Fetched<never>> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  const { status } = response;
  if (isErrorBody(body)) return { kind: "refused", status, ...body.error };
  return { kind: "refused", status, code: `http_${String(status)}`, message: `The server answered ${String(status)}.` };
}

/** Asks, and reads a good answer with `read`. Never throws. */
export async function ask<T>(
  address: string,
  options: RequestInit,
  read: (response: Response) => Promise<T>,
): Promise<Fetched<T>> {
  try {
    const response = await fetch(address, { credentials: "same-origin", ...options });
    if (!response.ok) return await refusal(response);
    return { kind: "ok", value: await read(response) };
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") return { kind: "aborted" };
    return { kind: "unreachable" };
  }
}

/** One sentence for a person, or nothing when there is nothing to say. */
export function sentence(outcome: Fetched<unknown>): string | null {
  switch (outcome.kind) {
    case "ok":
    case "aborted":
      return null;
    case "refused":
      return outcome.message;
    case "unreachable":
      return "Louver does not answer. Check that it runs and that this device reaches it.";
    default:
      return outcome satisfies never;
  }
}
