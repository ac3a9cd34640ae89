/**
 * Holds what is to be published until the end of the event loop's turn, so that it leaves in one write. Each write to a
 * socket of the bus wakes the broker, which costs as much as everything else about a message.
 */
export class WriteCoalescer {
  private held: (() => void)[] = [];

  /** `publish` must not throw. */
  add(publish: () => void): void {
    if (this.held.length === 0) setImmediate(() => this.release());
    this.held.push(publish);
  }

  private release(): void {
    const held = this.held;
    this.held = [];
    for (const publish of held) publish();
  }
}
