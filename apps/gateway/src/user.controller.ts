import { Controller, Param } from '@nestjs/common';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import {
  type CreateUserBody,
  createUserBody,
  toUser,
  type UpdateUserBody,
  updateUserBody,
  user,
  userLogin,
  usersPage,
  type UsersQuery,
  usersQuery,
} from '#contracts/api/users.js';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { newShortId } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import { Endpoint } from './endpoint.js';
import { householdPage } from './household-page.js';
import { idInPath } from './ids.js';
import { Services } from './services.js';
import { Caller, Randomness, RequestBody, RequestQuery } from './params.js';

/** The people of the household. */
@Controller()
export class UserController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/users',
    access: 'full_access',
    summary: 'Create a user',
    body: createUserBody,
    reply: { 201: user },
    errors: ['EMAIL_CONFLICT'],
  })
  async create(@Caller() context: Context, @Randomness() random: Random, @RequestBody() body: CreateUserBody) {
    const { view } = await withFreshId(() =>
      this.services.write('connection.user.create', { context, user: { short_id: newShortId(random), ...body } }),
    );
    return toUser(view);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/users',
    access: 'any',
    summary: 'List users, newest first',
    query: usersQuery,
    reply: { 200: usersPage },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: UsersQuery) {
    return householdPage('users', await this.services.read('connection.user.list', { context, ...query }), toUser);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/users/:id',
    access: 'any',
    summary: 'Look at a user',
    query: asOfQuery,
    reply: { 200: user },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: AsOfQuery) {
    const id = idInPath('user', text);
    return toUser(await this.services.read('connection.user.get', { context, id, ...query }));
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/users/:id/login',
    access: 'full_access',
    summary: "Look at a user's login",
    description: 'No user has one yet.',
    reply: { 200: userLogin },
    errors: ['NOT_FOUND'],
  })
  async login(@Caller() context: Context, @Param('id') id: string) {
    const found = await this.services.read('connection.user.get', { context, id: idInPath('user', id) });
    return { user_id: found.id, login: null };
  }

  @Endpoint({
    method: 'PATCH',
    path: '/api/v1/users/:id',
    access: 'full_access',
    summary: 'Change a user',
    body: updateUserBody,
    reply: { 200: user },
    errors: ['NOT_FOUND', 'EMAIL_CONFLICT'],
  })
  async update(@Caller() context: Context, @RequestBody() body: UpdateUserBody, @Param('id') id: string) {
    const wish = { context, id: idInPath('user', id), ...body };
    return toUser((await this.services.write('connection.user.update', wish)).view);
  }

  @Endpoint({
    method: 'DELETE',
    path: '/api/v1/users/:id',
    access: 'full_access',
    summary: 'Delete a user who has no live connections',
    reply: { 204: null },
    errors: ['NOT_FOUND', 'USER_HAS_DEPENDENTS'],
  })
  async delete(@Caller() context: Context, @Param('id') id: string): Promise<void> {
    await this.services.write('connection.user.delete', { context, id: idInPath('user', id) });
  }
}
