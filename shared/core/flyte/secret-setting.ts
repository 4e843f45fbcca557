/** Whether a variable tells flytekit where secrets are (its prefix for secrets' settings), and holds none itself. */
export function isSecretSetting(variable: string): boolean {
  return variable.startsWith('FLYTE_SECRETS_');
}
