/** What does not fit its place. Never leaves the reader. */
export class Damage extends Error {}

/** Numbers out of bytes, big-endian; beyond the end is damage. */
export class Bytes {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.byteLength - this.at;
  }

  #step(count: number): number {
    if (count > this.left) throw new Damage();
    const at = this.at;
    this.at += count;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2));
  }

  i16(): number {
    return this.#view.getInt16(this.#step(2));
  }

  u24(): number {
    return this.u8() * 65_536 + this.u16();
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#step(8));
  }

  /** Microseconds as milliseconds. */
  timeMs(): number {
    return Number(this.i64()) / 1000;
  }

  /** Seven bits a byte, lowest first, four bytes at most. */
  leb(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Damage();
  }

  /** The same with ten bytes at most, which is 64 bits. */
  leb64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Damage();
  }

  skip(count: number): void {
    this.#step(count);
  }

  /** The next bytes, not copied. */
  take(count: number): Uint8Array {
    const at = this.#step(count);
    return this.#bytes.subarray(at, at + count);
  }
}

export function must(holds: boolean): asserts holds {
  if (!holds) throw new Damage();
}
