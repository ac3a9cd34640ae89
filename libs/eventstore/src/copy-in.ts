import type { Client, Connection, Submittable } from 'pg';

/** The part of the driver's connection that its types leave out. */
interface CopyConnection extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Runs `copy … from stdin` with this as its input, in the order of the connection's other statements. */
export const copyIn = (connection: Client, statement: string, input: string): Promise<void> =>
  new Promise((resolve, reject) => {
    connection.query(new CopyIn(statement, Buffer.from(input), { resolve, reject }));
  });

/** Called by the driver, by these names, as the server answers. */
class CopyIn implements Submittable {
  constructor(
    private readonly statement: string,
    private readonly input: Buffer,
    private readonly end: { resolve: () => void; reject: (error: Error) => void },
  ) {}

  submit(connection: Connection): void {
    (connection as CopyConnection).query(this.statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.input);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {
    // The server is ready for more in a moment, and says so.
  }

  handleReadyForQuery(): void {
    this.end.resolve();
  }

  handleError(error: Error): void {
    this.end.reject(error);
  }
}
