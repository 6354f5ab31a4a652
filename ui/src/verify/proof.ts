/** Inclusion proofs (c2sp.org/tlog-proof) over the tree of RFC 6962. */
import { hash, same, utf8 } from "../vault/crypto";
import { parseNote, signedBy, strictBase64, type VerifierKey } from "./note";

/** Why a proof shows nothing, as the end of a sentence. */
export class Unproven extends Error {}

function hashOf(line: string): Uint8Array {
  const bytes = line.length === 44 ? strictBase64(line) : null;
  if (bytes?.byteLength !== 32) throw new Unproven("one of its lines is not a hash");
  return bytes;
}

function number(text: string | undefined): bigint {
  if (text === undefined || !/^(0|[1-9][0-9]{0,18})$/.test(text)) throw new Unproven("a number in it is none");
  return BigInt(text);
}

const node = (left: Uint8Array, right: Uint8Array) => hash(Uint8Array.of(1), left, right);

/** Root of the tree in which a leaf has this path: RFC 9162, section 2.1.3.2. */
function rootOf(leaf: Uint8Array, index: bigint, size: bigint, path: readonly Uint8Array[]): Uint8Array {
  if (index >= size) throw new Unproven("its tree is older than the leaf");
  let [at, last, root] = [index, size - 1n, hash(Uint8Array.of(0), leaf)];
  for (const next of path) {
    if (last === 0n) throw new Unproven("the leaf is not in that log");
    if ((at & 1n) === 1n || at === last) {
      root = node(next, root);
      while ((at & 1n) === 0n && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      root = node(root, next);
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Unproven("the leaf is not in that log");
  return root;
}

/** The leaf that a proof carries, if the log of `key` has it: what it says. Throws `Unproven`. */
export function provenLeaf(proof: string, key: VerifierKey): Record<string, unknown> {
  const split = proof.indexOf("\n\n");
  if (split < 0) throw new Unproven("it is not a tlog-proof");
  const [first, extra, index, ...lines] = proof.slice(0, split).split("\n");
  if (first !== "c2sp.org/tlog-proof@v1") throw new Unproven("it is not a tlog-proof");
  const leaf = extra?.startsWith("extra ") === true ? strictBase64(extra.slice(6)) : null;
  if (!leaf || index?.startsWith("index ") !== true) throw new Unproven("it carries no leaf");
  const checkpoint = parseNote(utf8(proof.slice(split + 2)));
  const [origin, size, root, ...more] = checkpoint?.text.split("\n") ?? [];
  if (!checkpoint || more.length !== 1 || more[0] !== "") throw new Unproven("its checkpoint is none");
  if (origin !== key.name || !signedBy(checkpoint, key)) throw new Unproven("its checkpoint is not signed by the site's ledger");
  const made = rootOf(leaf, number(index.slice(6)), number(size), lines.map(hashOf));
  if (!same(made, hashOf(root ?? ""))) throw new Unproven("the leaf is not in that log");
  const said: unknown = JSON.parse(new TextDecoder().decode(leaf));
  if (typeof said !== "object" || said === null) throw new Unproven("what it carries is no leaf");
  return said as Record<string, unknown>;
}
