import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AgentSessionEvent, AgentSessionView } from '#contracts/agent-session.js';
import type { Projection } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

@Entity('agent_sessions')
export class AgentSessionRow implements AgentSessionView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('text', { nullable: true }) user_id!: string | null;
  @Column('jsonb') servers!: string[];
  @Column('text') status!: AgentSessionView['status'];
  @Column('text') created_at!: string;
  @Column('text', { nullable: true }) closed_at!: string | null;
}

export const agentSessionProjection: Projection<AgentSessionView, AgentSessionEvent> = {
  AgentSessionOpened: ({ type: _type, at, ...opened }) => ({
    ...opened,
    status: 'active',
    created_at: at,
    closed_at: null,
  }),
  AgentSessionClosed: ({ at }) => ({ status: 'closed', closed_at: at }),
};

export const agentSessions = rowPerStream({
  name: 'agent_sessions',
  kind: 'agent_session',
  entity: AgentSessionRow,
  projection: agentSessionProjection,
});
