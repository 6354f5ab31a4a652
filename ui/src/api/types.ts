import type { components } from "./schema";

type Schemas = components["schemas"];

export type ArchiveFile = Schemas["ArchiveFile"];
export type Camera = Schemas["Camera"];
export type CameraStatus = Schemas["CameraStatus"];
export type EventClass = Schemas["EventClass"];
export type EventPage = Schemas["EventPage"];
export type Gap = Schemas["Gap"];
export type LouverEvent = Schemas["Event"];
export type RollEntry = Schemas["RollEntry"];
export type Session = Schemas["Session"];
export type Span = Schemas["Span"];
export type StreamState = Schemas["StreamState"];
export type System = Schemas["System"];
export type Timeline = Schemas["Timeline"];
export type TimelineEvent = Schemas["TimelineEvent"];
