/** Flyte reads names without regard to case (viper), and its flags write them in kebab case. */
export const foldName = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');
