/** A list of 32-bit integers in a typed array that doubles when it is full. */
export class GrowingInts {
  length = 0;
  #data = new Int32Array(256);

  at(index: number): number {
    return this.#data[index];
  }

  set(index: number, value: number): void {
    this.#data[index] = value;
  }

  push(value: number): void {
    if (this.length === this.#data.length) {
      const data = new Int32Array(this.#data.length * 2);
      data.set(this.#data);
      this.#data = data;
    }
    this.#data[this.length++] = value;
  }
}
