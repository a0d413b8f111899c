/** What the technician types at the store, on Windows and Linux alike. */
export function enrolCommand(server: string, code: string): string {
  return `fluxion-agent enroll --server ${server} --code ${code}`;
}
