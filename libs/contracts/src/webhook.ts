/** A delivery as the gateway took it in. It goes on the bus sealed to the vault: for some schemes a header is the secret itself. */
export interface InboundDelivery {
  /** By lower-case name. */
  headers: Record<string, string>;
  /** The address's parameters. */
  query: Record<string, string>;
  /** The bytes, in base64. */
  body: string;
}
