interface Most {
  together: number;
  /** Of all together, what those may take of whom nothing genuine has come yet. */
  ofUnproven: number;
  ofOne: number;
}

/** How many bytes are being taken in, of each network and of all together. Strangers can keep out nobody but each other. */
export class BytesInFlight {
  private together = 0;
  private readonly ofEach = new Map<string, number>();

  constructor(private readonly most: Most) {}

  /** Whether there is room for so many more; what is claimed is to be given back. */
  claim(network: string, bytes: number, isProven: boolean): boolean {
    const ofOne = (this.ofEach.get(network) ?? 0) + bytes;
    const most = isProven ? this.most.together : this.most.ofUnproven;
    if (ofOne > this.most.ofOne || this.together + bytes > most) return false;
    this.ofEach.set(network, ofOne);
    this.together += bytes;
    return true;
  }

  giveBack(network: string, bytes: number): void {
    const left = (this.ofEach.get(network) ?? 0) - bytes;
    if (left > 0) this.ofEach.set(network, left);
    else this.ofEach.delete(network);
    this.together -= bytes;
  }
}
