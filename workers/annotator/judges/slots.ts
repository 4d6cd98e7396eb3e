/** A number of places, given in the order in which they are asked for. */
export class Slots {
  private free: number;
  private readonly waiting: { readonly places: number; readonly enter: () => void }[] = [];

  constructor(readonly places: number) {
    this.free = places;
  }

  /** Runs a task that holds `places` places (all of them: alone). */
  async run<T>(places: number, task: () => Promise<T>): Promise<T> {
    const held = Math.min(places, this.places);
    await new Promise<void>((enter) => {
      this.waiting.push({ places: held, enter });
      this.admit();
    });
    try {
      return await task();
    } finally {
      this.free += held;
      this.admit();
    }
  }

  private admit(): void {
    for (let first = this.waiting[0]; first !== undefined && first.places <= this.free; first = this.waiting[0]) {
      this.waiting.shift();
      this.free -= first.places;
      first.enter();
    }
  }
}
