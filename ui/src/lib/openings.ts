/** Openings in words. */
import type { Opening, OpeningStatement } from "../api/openings";
import type { Reason, RequestDocument } from "../vault/documents";

export const REASON_WORDS: Record<Reason, string> = {
  accident: "Accident",
  theft: "Theft",
  violence: "Violence",
  damage: "Damage",
  authority: "Request of an authority",
  "subject-access": "Somebody asks for pictures of themselves",
  "missing-person": "Missing person",
  technical: "Technical",
  test: "Test",
  other: "Something else",
};

export function requestOf(opening: Opening): RequestDocument {
  // The server took it only in this form; its text is what is hashed and signed.
  return JSON.parse(opening.request) as RequestDocument;
}

export function isOver(opening: Opening): boolean {
  return opening.state !== "asked" && opening.state !== "released";
}

/** What counts now of what each holder said. */
export function lastWords(opening: Opening): Map<string, OpeningStatement> {
  return new Map(opening.statements.map((statement) => [statement.holder, statement]));
}

export function agreeing(opening: Opening): number {
  return [...lastWords(opening).values()].filter((statement) => statement.kind === "approval").length;
}

/** Where a request is, in a few words. */
export function stateWords(opening: Opening): string {
  switch (opening.state) {
    case "asked":
      return opening.needed === 1 ? "Waits for the holder" : `${String(agreeing(opening))} of ${String(opening.needed)} agree`;
    case "released":
      return "Open";
    case "denied":
      return "Denied";
    case "vetoed":
      return "Stopped by an observer";
    case "expired":
      return "Expired: too few agreed in time";
    case "withdrawn":
      return "Taken back";
    case "closed":
      return "Closed: the time for watching is over";
    default:
      return opening.state satisfies never;
  }
}

export function tone(opening: Opening): "good" | "bad" | "busy" | "quiet" {
  switch (opening.state) {
    case "asked":
      return "busy";
    case "released":
      return "good";
    case "denied":
    case "vetoed":
      return "bad";
    case "expired":
    case "withdrawn":
    case "closed":
      return "quiet";
    default:
      return opening.state satisfies never;
  }
}
