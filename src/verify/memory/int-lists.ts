const HASH_FACTOR = 0x9e3779b1;

/** Numbers lists of integers: equal lists have the same number, which counts up from 0. */
export class IntLists {
  /** How many different lists there are. */
  count = 0;
  #data = new Int32Array(1 << 12);
  #ends = new Int32Array(1 << 8);
  #hashes = new Int32Array(1 << 8);
  /** Numbers + 1 by hash, 0 where there is none. */
  #table = new Int32Array(1 << 9);

  /** @returns the number of the list. */
  intern(list: readonly number[]): number {
    const hash = hashOf(list);
    const mask = this.#table.length - 1;
    let place = hash & mask;
    for (let known = this.#table[place]; known !== 0; known = this.#table[place]) {
      if (this.#hashes[known - 1] === hash && this.#equals(known - 1, list)) return known - 1;
      place = (place + 1) & mask;
    }
    this.#table[place] = this.count + 1;
    return this.#append(list, hash);
  }

  /** The integer at an index of a list. */
  at(list: number, index: number): number {
    return this.#data[this.#start(list) + index];
  }

  #start(list: number): number {
    return list === 0 ? 0 : this.#ends[list - 1];
  }

  #equals(number: number, list: readonly number[]): boolean {
    const start = this.#start(number);
    if (this.#ends[number] - start !== list.length) return false;
    for (let index = 0; index < list.length; index++) {
      if (this.#data[start + index] !== list[index]) return false;
    }
    return true;
  }

  #append(list: readonly number[], hash: number): number {
    const start = this.#start(this.count);
    this.#data = withRoom(this.#data, start + list.length);
    this.#data.set(list, start);
    this.#ends = withRoom(this.#ends, this.count + 1);
    this.#hashes = withRoom(this.#hashes, this.count + 1);
    this.#ends[this.count] = start + list.length;
    this.#hashes[this.count] = hash;
    this.count++;
    if (this.count * 2 > this.#table.length) this.#growTable();
    return this.count - 1;
  }

  #growTable(): void {
    const table = new Int32Array(this.#table.length * 2);
    for (let number = 0; number < this.count; number++) {
      let place = this.#hashes[number] & (table.length - 1);
      while (table[place] !== 0) place = (place + 1) & (table.length - 1);
      table[place] = number + 1;
    }
    this.#table = table;
  }
}

function hashOf(list: readonly number[]): number {
  let hash = list.length;
  for (let index = 0; index < list.length; index++) {
    hash = Math.imul(hash ^ list[index], HASH_FACTOR);
    hash ^= hash >>> 15;
  }
  return hash;
}

function withRoom(data: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= data.length) return data;
  const longer = new Int32Array(Math.max(length, data.length * 2));
  longer.set(data);
  return longer;
}
