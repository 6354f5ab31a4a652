/** What a requester gets when enough holders agreed: hour secrets and shares, for a one-time identity that never left this page. */
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";

import { Bytes, must } from "../lib/bytes";
import { fromBase64 } from "./crypto";
import { Epoch, Refused, SegmentOpener } from "./open";
import type { SealedHeader } from "./segment";
import { cameraOf, hourOf, parseShares, type Share } from "./share";

/** A one-time identity: `AGE-SECRET-KEY-1…`, and its recipient for the request. */
export interface OneTime {
  identity: string;
  recipient: string;
}

export async function oneTime(): Promise<OneTime> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** The server's answer, as far as keys go. */
export interface Release {
  /** An age file: the hour secrets. Base64. */
  secrets: string;
  /** An age file of each holder who agreed: shares. Base64. */
  approvals: readonly { holder: string; shares: string }[];
}

const key = (camera: string, hour: number) => `${camera} ${String(hour)}`;

/** Everything that opens the segments of one release. */
export class Keys {
  readonly #epochs = new Map<string, Epoch>();

  private constructor(
    private readonly hours: ReadonlyMap<string, Uint8Array>,
    private readonly shares: readonly Share[],
  ) {}

  /** Throws where something is not for `identity`. */
  static async unlock(release: Release, identity: string): Promise<Keys> {
    const age = new Decrypter();
    age.addIdentity(identity);
    const rest = new Bytes(await age.decrypt(fromBase64(release.secrets), "uint8array"));
    const hours = new Map<string, Uint8Array>();
    while (rest.left > 0) {
      const camera = cameraOf(rest);
      hours.set(key(camera, hourOf(rest)), rest.take(32));
    }
    const shares: Share[] = [];
    for (const approval of release.approvals) {
      shares.push(...parseShares(await age.decrypt(fromBase64(approval.shares), "uint8array")));
    }
    return new Keys(hours, shares);
  }

  /** Throws `Refused` with what is missing. */
  async opener(header: SealedHeader): Promise<SegmentOpener> {
    const secret = this.hours.get(key(header.camera, header.hour));
    if (!secret) throw new Refused({ kind: "no_hour_secret" });
    let epoch = this.#epochs.get(header.epoch);
    if (!epoch) {
      epoch = await Epoch.gather(header, this.shares);
      must(epoch.epoch === header.epoch);
      this.#epochs.set(header.epoch, epoch);
    }
    return SegmentOpener.make(header, epoch, secret);
  }
}
