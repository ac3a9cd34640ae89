import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { newShortId } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import type { UserView } from '#contracts/user.js';
import { Services } from '../last-write.js';

/** As many as a person wants to choose from. */
const MOST = 200;

/** A user of whom there is no name left cannot be told apart from others, nor be sent anything. */
type Person = UserView & { isErased: boolean };

/** The household users, whose names stand where the services know ids. */
@Injectable()
export class People {
  constructor(private readonly services: Services) {}

  async list(context: Context): Promise<Person[]> {
    const { items } = await this.services.read('connection.user.list', { context, limit: MOST });
    const named = items.map((user) => ({ ...user, name: user.name || 'Name erased', isErased: user.name === '' }));
    return named.sort((one, other) => one.name.localeCompare(other.name));
  }

  async create(context: Context, random: Random, name: string): Promise<UserView> {
    const make = () => ({ context, user: { short_id: newShortId(random), name, email: null } });
    return (await withFreshId(() => this.services.write('connection.user.create', make()))).view;
  }
}

/** The name behind an id; of one that is not among the first it is the id. */
export const namesOf = (people: Person[]) => {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  return (id: string | null): string => (id === null ? 'The whole project' : (names.get(id) ?? id));
};
