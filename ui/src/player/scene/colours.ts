/** Colours on canvases; those of classes and of the unknown are tokens.css's, which a test compares. */
import type { FigureKind } from "./model";

/** Okabe and Ito's palette: told apart by colour-blind eyes, and by brightness alone. */
export const FIGURE: Record<FigureKind, string> = {
  person: "#0072b2",
  vehicle: "#e69f00",
  animal: "#009e73",
  parcel: "#cc79a7",
  moving: "#8a8f8c",
};

/** Signs and patterns on a figure: at least 3:1 on its colour. */
export const ON_FIGURE: Record<FigureKind, string> = {
  person: "#ffffff",
  vehicle: "#1c1300",
  animal: "#04140e",
  parcel: "#1d0712",
  moving: "#101413",
};

/** What nobody knows: a calm ground, and its slats. */
export const UNKNOWN_GROUND = "#2a2b2d";
export const UNKNOWN_SLAT = "#3b3e42";
/** What is never shown. */
export const NEVER_GROUND = "#141617";
export const NEVER_LINE = "#4a5054";
/** Around a figure, so that it stands off any place. */
export const EDGE_DARK = "rgb(8 11 10 / 82%)";
export const EDGE_LIGHT = "rgb(255 255 255 / 88%)";
