import type { Camera, StreamState } from "../api/types";

/** How a camera does, in one word and one sentence. */
export interface Health {
  level: "good" | "busy" | "bad";
  word: string;
  detail: string | null;
}

function reason(stream: StreamState): string | null {
  return stream.state === "retrying" ? stream.reason : null;
}

/** The most pressing thing to know about a camera. */
export function healthOf(camera: Camera): Health {
  const { main, sub, recording_problem: problem } = camera.status;
  if (problem !== null) return { level: "bad", word: "Not recording", detail: problem };
  const lost = reason(main);
  if (lost !== null) return { level: "bad", word: "No connection", detail: lost };
  const lostSub = reason(sub);
  if (lostSub !== null) return { level: "bad", word: "No picture", detail: lostSub };
  switch (main.state) {
    case "connecting":
      return { level: "busy", word: "Connecting", detail: null };
    case "off":
      return { level: "bad", word: "Off", detail: null };
    case "retrying":
    case "running":
      return { level: "good", word: "Recording", detail: null };
    default:
      return main satisfies never;
  }
}
