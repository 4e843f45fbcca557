/** What the servers for comparison are told, in a file. */
export interface ConstantAnswer {
  port: number;
  /** PEM. */
  certificate: string;
  key: string;
  /** The patch of every answer, base64. */
  patch: string;
}
