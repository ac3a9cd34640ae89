/** A statement and its values. */
export interface Statement {
  /** Under which it is prepared; without one it is planned anew each time. */
  name: string | undefined;
  text: string;
  values: unknown[];
}

/** Takes a value, and gives the placeholder that stands for it in the text. */
export type Placeholder = (value: unknown) => string;

/** Collects the values of a statement while its text is made. */
export function parameters(): { values: unknown[]; value: Placeholder } {
  const values: unknown[] = [];
  const value = (one: unknown) => {
    values.push(one);
    return `$${values.length}`;
  };
  return { values, value };
}
