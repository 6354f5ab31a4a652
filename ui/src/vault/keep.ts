/**
 * What this browser keeps: a holder's secret under a passphrase, and the one-time identities of requests that were made here. Nothing of it is sent
 * anywhere.
 */

/** A holder's secret as it lies in the browser: an age file of kind scrypt. */
export interface KeptHolder {
  id: string;
  publicHalf: string;
  file: Uint8Array;
}

const NAME = "louver";
const HOLDERS = "holders";
const REQUESTS = "requests";

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(HOLDERS, { keyPath: "id" });
      opening.result.createObjectStore(REQUESTS, { keyPath: "id" });
    };
    opening.onsuccess = () => {
      resolve(opening.result);
    };
    opening.onerror = () => {
      reject(opening.error ?? new Error("the browser's storage is closed"));
    };
  });
}

async function run<T>(store: string, mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  try {
    return await new Promise<T>((resolve, reject) => {
      const turn = db.transaction(store, mode, { durability: "strict" });
      const request = ask(turn.objectStore(store));
      // Written is what the transaction says, not the request.
      turn.oncomplete = () => {
        resolve(request.result);
      };
      turn.onabort = turn.onerror = () => {
        reject(turn.error ?? new Error("the browser did not keep it"));
      };
    });
  } finally {
    db.close();
  }
}

/** Every function rejects where the browser keeps nothing (a private window, a full disk). */
export const keep = {
  async holders(): Promise<KeptHolder[]> {
    return run<KeptHolder[]>(HOLDERS, "readonly", (store) => store.getAll() as IDBRequest<KeptHolder[]>);
  },
  async putHolder(holder: KeptHolder): Promise<void> {
    // Asked for, not counted on: without it a browser may throw things away when its disk is full.
    await navigator.storage.persist().catch(() => false);
    await run(HOLDERS, "readwrite", (store) => store.put(holder));
  },
  async dropHolder(id: string): Promise<void> {
    await run(HOLDERS, "readwrite", (store) => store.delete(id));
  },
  /** The one-time identity of a request made here. */
  async identity(id: string): Promise<string | null> {
    type Kept = { id: string; identity: string } | undefined;
    const kept = await run<Kept>(REQUESTS, "readonly", (store) => store.get(id) as IDBRequest<Kept>);
    return kept?.identity ?? null;
  },
  async putIdentity(id: string, identity: string): Promise<void> {
    await run(REQUESTS, "readwrite", (store) => store.put({ id, identity }));
  },
  async dropIdentity(id: string): Promise<void> {
    await run(REQUESTS, "readwrite", (store) => store.delete(id));
  },
};
