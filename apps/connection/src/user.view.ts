import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { UserEvent, UserView } from '#contracts/user.js';
import { erased, type Projection } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

@Entity('users')
export class UserRow implements UserView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') short_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('text') name!: string;
  @Column('text', { nullable: true }) email!: string | null;
  @Column('text') created_at!: string;
  @Column('text') updated_at!: string;
}

export const userProjection: Projection<UserView, UserEvent> = {
  UserCreated: ({ type: _type, at, ...user }) => ({ ...user, created_at: at, updated_at: at }),
  UserUpdated: ({ name, email, at }) => ({ name, email, updated_at: at }),
  UserDeleted: () => null,
  PersonalTextErased: erased<UserView>(() => ({ name: '', email: null })),
};

export const users = rowPerStream({ name: 'users', kind: 'user', entity: UserRow, projection: userProjection });
