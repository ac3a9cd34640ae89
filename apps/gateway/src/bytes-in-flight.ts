interface Most {
  together: number;
  ofOne: number;
}

/** How many bytes are being taken in, of each network and of all together. None of them can keep out all the others. */
export class BytesInFlight {
  private together = 0;
  private readonly ofEach = new Map<string, number>();

  constructor(private readonly most: Most) {}

  /** Whether there is room for so many more; what is claimed is to be given back. */
  claim(network: string, bytes: number): boolean {
    const ofOne = (this.ofEach.get(network) ?? 0) + bytes;
    if (ofOne > this.most.ofOne || this.together + bytes > this.most.together) return false;
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
