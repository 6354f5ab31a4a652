/** What is wrong with words, for the person who types them. */
import { strangeWords, type WordsProblem } from "./holder";

export function wordsProblem(why: WordsProblem, words: string): string {
  switch (why) {
    case "count":
      return "24 words are needed, in the order of the sheet.";
    case "word": {
      const [strange] = strangeWords(words);
      return `Word ${String(strange?.place ?? 0)} ("${strange?.word ?? ""}") is not on the list. Compare it with the sheet.`;
    }
    case "checksum":
      return "The words do not fit together: one is another word of the list, or two are swapped.";
    default:
      return why satisfies never;
  }
}
