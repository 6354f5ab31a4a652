/** A scene as the page holds it: what may be shown of one camera at one moment. `docs/format-scene.md` says what it means. */

export type FigureKind = "person" | "vehicle" | "animal" | "parcel" | "moving";

/** A box in picture pixels, right and bottom exclusive. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A thing in the scene; `vx`, `vy`: pixels a second, 0 also where nobody knows. */
export interface Figure extends Box {
  track: number;
  kind: FigureKind;
  vx: number;
  vy: number;
}

/** A thing that the camera's policy allows to be seen, as a picture of its own. */
export interface Pane extends Box {
  track: number;
  kind: FigureKind;
  /** A JPEG without its tables. */
  body: Uint8Array;
}

/** Why little or nothing is shown. */
export type Why =
  | "fine"
  | "starting"
  | "light_changed"
  | "camera_moved"
  | "covered"
  | "late"
  | "no_pictures"
  /** For a reason that a newer recorder knows. */
  | "other";

export const UNKNOWN = 0;
export const CLEAR = 1;
export const OCCUPIED = 2;
export const NEVER_SHOWN = 3;

/** What a stream begins with. Pixels but for counts. */
export interface Header {
  /** Its own bytes: another header with the same ones changes nothing. */
  bytes: Uint8Array;
  width: number;
  height: number;
  cell: number;
  columns: number;
  rows: number;
  tile: number;
  tilesAcross: number;
  tilesDown: number;
  /** What all of its JPEGs begin with. */
  tables: Uint8Array;
}

export interface Tile {
  number: number;
  /** A JPEG without its tables. */
  body: Uint8Array;
}

/** Cells from `from` on, `count` of them, have this state now. */
export interface CellRun {
  from: number;
  count: number;
  state: number;
}

/** What stands in a record; in a full one what is missing is empty, in a delta it is as before. */
export interface SceneRecord {
  full: boolean;
  number: number;
  /** When the picture was taken, ms since 1970 on the recorder's clock; parts of a ms too. */
  atMs: number;
  why: Why;
  /** All cells. */
  cells?: Uint8Array;
  changes?: CellRun[];
  forgotten?: number[];
  tiles?: Tile[];
  figures?: Figure[];
  panes?: Pane[];
}

export type SceneItem =
  | { kind: "header"; header: Header }
  | { kind: "record"; record: SceneRecord }
  /** The answer is whole. `nextMs`: there is more from then on. */
  | { kind: "end"; nextMs: number | null };
