import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { newShortId } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import type { UserView } from '#contracts/user.js';
import { Services } from '../services.js';

/** As many as a person wants to choose from: the newest ones. */
const MOST = 200;

/** A user of whom there is no name left cannot be told apart from others, nor be sent anything. */
type Person = UserView & { isErased: boolean };

/** Those whom a page names. `morePeople` says that there are others, who are known by their id alone. */
export interface Crowd {
  people: Person[];
  morePeople: boolean;
  /** The name behind an id; of one that is not among the first it is the id. */
  nameOf: (id: string | null) => string;
}

/** The household users, whose names stand where the services know ids. */
@Injectable()
export class People {
  constructor(private readonly services: Services) {}

  async list(context: Context): Promise<Crowd> {
    const { items, next_cursor } = await this.services.read('connection.user.list', { context, limit: MOST });
    const named = items.map((user) => ({ ...user, name: user.name || 'Name erased', isErased: user.name === '' }));
    const people = named.sort((one, other) => one.name.localeCompare(other.name));
    return { people, morePeople: next_cursor !== null, nameOf: namesOf(people) };
  }

  async create(context: Context, random: Random, name: string): Promise<UserView> {
    const make = () => ({ context, user: { short_id: newShortId(random), name, email: null } });
    return (await withFreshId(() => this.services.write('connection.user.create', make()))).view;
  }
}

const namesOf = (people: Person[]) => {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  return (id: string | null): string => (id === null ? 'The whole project' : (names.get(id) ?? id));
};
