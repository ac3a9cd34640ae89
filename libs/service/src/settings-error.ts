/** sysexits(3): started again, the process would end so again. */
export const EX_CONFIG = 78;

/** What a setting says, or the file that it names, is not what it must be. */
export class SettingsError extends Error {}

/** Makes of a setting what it stands for, or reads the file that it names. What is thrown must quote no secret. */
export function fromSetting<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    throw new SettingsError(`${name}: ${(error as Error).message}`);
  }
}

/** Of a process that cannot start. */
export const exitCodeOf = (error: unknown): number => (error instanceof SettingsError ? EX_CONFIG : 1);
