import { redirectOriginsBody, renameProjectBody } from '#contracts/api/projects.js';
import { DomainError } from '#contracts/errors.js';
import type { ProjectView } from '#contracts/project.js';
import { checkedBody } from '../validation.js';

type Fields = Record<string, string>;

/** What can be changed of a project, as its form has it: one origin in each line. */
type Half = 'name' | 'origins';
const halves: Half[] = ['name', 'origins'];

const nowOf = ({ name, redirect_origins }: ProjectView): Record<Half, string> => ({
  name,
  origins: redirect_origins.join('\n'),
});

const linesOf = (text = ''): string[] => text.split('\n').flatMap((line) => line.trim() || []);
const areSame = (one: string | undefined, other: string): boolean =>
  linesOf(one).join('\n') === linesOf(other).join('\n');

/** What somebody typed. Where they left what the page was shown with, it is what the project says by now. */
export function typedOver(fields: Fields, project: ProjectView): Record<Half, string> {
  const now = nowOf(project);
  const typed = (half: Half) => (areSame(fields[`before_${half}`], fields[half] ?? '') ? now[half] : fields[half]!);
  return { name: typed('name'), origins: typed('origins') };
}

/** Only what somebody has changed. What others have changed since the page was shown is replaced by nobody who has not read it. */
export function changesOf(fields: Fields, project: ProjectView): { name?: string; origins?: string[] } {
  const now = nowOf(project);
  const typed = typedOver(fields, project);
  const changed = halves.filter((half) => !areSame(typed[half], now[half]));
  const overtaken = changed.filter((half) => !areSame(fields[`before_${half}`], now[half]));
  if (overtaken.length > 0) throw conflictOver(overtaken, now);
  return {
    ...(changed.includes('name') && checkedBody(renameProjectBody, { name: typed.name })),
    ...(changed.includes('origins') && checkedBody(redirectOriginsBody, { origins: linesOf(typed.origins) })),
  };
}

/** All of it is said at once: it counts as read from then on. */
function conflictOver(overtaken: Half[], now: Record<Half, string>): DomainError {
  const news = overtaken.map((half) => {
    const what = half === 'name' ? 'name' : 'list';
    return `Somebody has changed the ${what} meanwhile. It is now: ${linesOf(now[half]).join(', ') || 'empty'}.`;
  });
  return new DomainError('CONFLICT', `${news.join(' ')} Save again to replace it.`);
}
