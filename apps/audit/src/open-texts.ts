import { Inject, Injectable } from '@nestjs/common';
import type { OpenedTexts, TextToOpen } from '#contracts/erasure.js';
import type { SealedText } from '#contracts/personal-text.js';
import { Bus } from '#service/bus.js';
import type { AuditEntryRow } from './audit-entry.entity.js';

const owners = { user: 'connection', connection: 'connection', link_session: 'link-session' } as const;
const AT_ONCE = 500;

/**
 * The timeline keeps personal text as the events do: sealed. Who owns the streams opens it at each read, so an erasure
 * has nothing to change here, and what it has destroyed is not shown from that moment on.
 */
@Injectable()
export class OpenTexts {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  /** The entries as a person reads them; erased text is what the contracts put in its place. */
  async open(rows: AuditEntryRow[]): Promise<AuditEntryRow[]> {
    const [ofData, ofLabels] = await Promise.all([this.ask(rows, textOf), this.ask(rows, labelOf)]);
    return rows.map((row) => {
      const { personal: _sealed, ...data } = row.data;
      const label = row.sealed_label && ofLabels[row.sealed_label.event_id]?.['label'];
      return { ...row, data: { ...data, ...ofData[row.id] }, label: (label as string | undefined) ?? row.label };
    });
  }

  private async ask(rows: AuditEntryRow[], pick: (row: AuditEntryRow) => TextToOpen | null): Promise<OpenedTexts> {
    const wanted = new Map<string, Map<string, TextToOpen>>([
      ['connection', new Map()],
      ['link-session', new Map()],
    ]);
    for (const row of rows) {
      const text = pick(row);
      if (text) wanted.get(owners[row.subject_kind as keyof typeof owners])?.set(text.event_id, text);
    }
    const asked = [...wanted].flatMap(([owner, texts]) =>
      chunks([...texts.values()]).map((some) => this.bus.ask(`${owner as 'connection'}.text.open`, { texts: some })),
    );
    return Object.assign({}, ...(await Promise.all(asked))) as OpenedTexts;
  }
}

const streamOf = ({ subject_kind, subject_id }: AuditEntryRow): string => `${subject_kind}-${subject_id}`;

function textOf(row: AuditEntryRow): TextToOpen | null {
  const personal = row.data['personal'] as SealedText | undefined;
  return personal ? { event_id: row.id, stream: streamOf(row), type: row.type, personal } : null;
}

const labelOf = (row: AuditEntryRow): TextToOpen | null =>
  row.sealed_label && { ...row.sealed_label, stream: streamOf(row) };

const chunks = <T>(items: T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, n) => items.slice(n * AT_ONCE, (n + 1) * AT_ONCE));
