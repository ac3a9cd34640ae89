/** How the report writes its figures. */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
export const ms = (value: number): string => (value < 10 ? value.toFixed(1) : whole(value));

export const total = (parts: Record<string, number>): number => Object.values(parts).reduce((sum, one) => sum + one, 0);

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
export const table = (head: string[], rows: string[][]): string =>
  [row(...head), row(...head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map((cells) => row(...cells))].join(
    '\n',
  );

export const target = (what: string, wished: string, figure: string, met: boolean): string[] => [
  what,
  wished,
  figure,
  met ? 'yes' : '**no**',
];
