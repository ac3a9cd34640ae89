/** sysexits(3): started again, the process would end so again. */
export const EX_CONFIG = 78;

/** What a setting says, or the file that it names, is not what it must be. */
export class SettingsError extends Error {}

/** Of a process that cannot start. */
export const exitCodeOf = (error: unknown): number => (error instanceof SettingsError ? EX_CONFIG : 1);
