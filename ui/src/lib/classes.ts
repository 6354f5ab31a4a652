import type { EventClass } from "../api/types";

/** Every class, in the order of lanes and filters. Colours are in tokens.css, by the same names. */
export const CLASSES: readonly { id: EventClass; one: string; many: string }[] = [
  { id: "person", one: "Person", many: "People" },
  { id: "vehicle", one: "Vehicle", many: "Vehicles" },
  { id: "animal", one: "Animal", many: "Animals" },
  { id: "parcel", one: "Parcel", many: "Parcels" },
];

export function className(id: EventClass): string {
  return CLASSES.find((c) => c.id === id)?.one ?? id;
}

export function isClass(text: string | null): text is EventClass {
  return CLASSES.some((c) => c.id === text);
}
