/** Why little is shown, in words: what is so, and what to expect. */

import type { Why } from "./model";

export interface Reason {
  /** A few words, for a small picture. */
  short: string;
  /** What will happen, or what to do. */
  next: string;
}

/** `null`: all is well. */
export function reasonOf(why: Why): Reason | null {
  switch (why) {
    case "fine":
      return null;
    case "starting":
      return { short: "Learning the place", next: "Parts appear once they have been empty for a while, mostly within a minute or two." };
    case "light_changed":
      return { short: "The light changed", next: "The place is learned again in the new light, part by part." };
    case "camera_moved":
      return { short: "The camera's view changed", next: "The new view is learned from the start. If nobody turned the camera, look after it." };
    case "covered":
      return { short: "The lens is covered, or there is no light", next: "The picture comes back by itself once the camera can see. Look after the camera." };
    case "late":
      return { short: "Analysis is late", next: "The empty place is shown until it has caught up. Recording is not affected." };
    case "no_pictures":
      return { short: "No pictures from the camera", next: "Louver keeps trying. Check the camera's power and network if this lasts." };
    case "other":
      return { short: "Little is shown at the moment", next: "The recorder hides what it is not sure about." };
    default:
      return why satisfies never;
  }
}
