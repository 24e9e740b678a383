import type { Ready } from "../main.ts";
import { controllerVersion } from "../version.ts";

/** What whoever started the controller is told; on standard error, so that no log of ours has the token. */
export function announcement(ready: Ready, dataDir: string, json: boolean): string {
  const { url, agentUrl, rootFingerprint, adminToken } = ready;
  if (json) {
    const token =
      adminToken === null ? null : { token: adminToken.text, expires_at: adminToken.expiresAt.toISOString() };
    const told = { url, agent_url: agentUrl, root_fingerprint: rootFingerprint, data_dir: dataDir, admin_token: token };
    return `${JSON.stringify(told)}\n`;
  }
  const lines = [
    `Holdfast ${controllerVersion()} is ready.`,
    `  API:     ${url}`,
    `  Agents:  ${agentUrl}`,
    `  Root:    ${rootFingerprint} (sha256)`,
    `  Data:    ${dataDir}`,
  ];
  if (adminToken === null) return `${lines.join("\n")}\n`;
  const { text, expiresAt } = adminToken;
  return `${[
    ...lines,
    "",
    `This is the first start. Access token of the admin, shown this once, good until ${expiresAt.toISOString()}:`,
    text,
    "Later ones: `holdfast access-token` on this host. A host enrols with the token of `holdfast token create`.",
  ].join("\n")}\n`;
}
