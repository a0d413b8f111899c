/** What the technician types on Windows, in the folder of the installer: it installs, enrols and starts. */
export function installCommand(server: string, code: string): string {
  return `msiexec /i fluxion-agent-x64.msi SERVER=${server} CODE=${code}`;
}

/** What the technician types on Linux, where the package is installed already. */
export function enrolCommand(server: string, code: string): string {
  return `sudo runuser -u fluxion -- fluxion-agent enroll --server ${server} --code ${code}`;
}
